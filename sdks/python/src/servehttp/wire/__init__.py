"""Protobuf and gRPC: the messages of the contract, read and written by hand for speed."""
