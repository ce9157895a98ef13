//! Generates the contract's code. It needs protoc: apt install protobuf-compiler.

fn main() -> std::io::Result<()> {
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .compile_protos(&["../../proto/servehttp/v1/plugin.proto"], &["../../proto"])
}
