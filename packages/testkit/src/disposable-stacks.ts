import { AsyncDisposableStack, DisposableStack } from "@whatwg-node/disposablestack";

// Tests put what they open into these. Node has them from version 24 on.
globalThis.AsyncDisposableStack ??= AsyncDisposableStack as typeof globalThis.AsyncDisposableStack;
globalThis.DisposableStack ??= DisposableStack as typeof globalThis.DisposableStack;
