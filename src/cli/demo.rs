//! demo
use super::args::DemoArgs;
use super::exit::Exit;
/// Runs `demo`.
pub(super) async fn run(_args: &DemoArgs) -> Exit {
    Exit::Agrees
}
