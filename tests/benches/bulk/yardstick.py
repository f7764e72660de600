"""The second yardstick: the four steps in Python's asyncio, standard library only.

    python3 yardstick.py LIST AT_ONCE DNS_PORT SMTP_PORT

Connect, greeting, EHLO and QUIT beside PTR and A of its name, then A of the name in the EHLO reply; a line a target.
"""

import asyncio
import socket
import struct
import sys

PTR, A = 12, 1


class Questions(asyncio.DatagramProtocol):
    def __init__(self):
        self.waiting, self.next = {}, 0

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def datagram_received(self, data, _):
        waits = self.waiting.pop(data[:2], None)
        if waits and not waits.done():
            waits.set_result(data)

    async def ask(self, name, kind):
        """The data of the first record; the world compresses owners only."""
        question = b"".join(bytes([len(l)]) + l for l in name.split(b".")) + b"\0" + struct.pack(">HH", kind, 1)
        for _ in range(5):
            self.next = (self.next + 1) & 0xFFFF
            id = struct.pack(">H", self.next)
            self.waiting[id] = answer = asyncio.get_running_loop().create_future()
            self.transport.sendto(id + b"\1\0\0\1\0\0\0\0\0\0" + question)
            try:
                data = await asyncio.wait_for(answer, 1)
            except asyncio.TimeoutError:
                self.waiting.pop(id, None)
                continue
            return data[12 + len(question) + 12:] if data[7] else None
        return None


def text(labels):
    parts, at = [], 0
    while labels[at]:
        parts.append(labels[at + 1:at + 1 + labels[at]])
        at += 1 + labels[at]
    return b".".join(parts)


async def reply(reader):
    lines = [await reader.readline()]
    while lines[-1][3:4] == b"-":
        lines.append(await reader.readline())
    return lines


async def dialogue(ip, port):
    reader, writer = await asyncio.open_connection(ip, port)
    await reply(reader)
    writer.write(b"EHLO yardstick.example.net\r\n")
    lines = await reply(reader)
    writer.write(b"QUIT\r\n")
    writer.close()
    return lines[0][4:].split()[0]


async def check(ip, port, questions):
    async def names():
        name = text(await questions.ask(b".".join(reversed(ip.encode().split(b"."))) + b".in-addr.arpa", PTR))
        return name, await questions.ask(name, A)

    async def said():
        name = await dialogue(ip, port)
        return name, await questions.ask(name, A)

    (ptr, forward), (ehlo, address) = await asyncio.gather(names(), said())
    wanted = bytes(int(o) for o in ip.split("."))
    return "agree" if ptr == ehlo and forward == address == wanted else "differ"


async def main(file, at_once, dns, smtp):
    loop = asyncio.get_running_loop()
    _, questions = await loop.create_datagram_endpoint(Questions, remote_addr=("127.0.0.1", dns))
    with open(file) as lines:
        targets = iter(lines.read().split())

    async def worker():
        for ip in targets:
            print(ip, await check(ip, smtp, questions))

    await asyncio.gather(*(worker() for _ in range(at_once)))


asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
