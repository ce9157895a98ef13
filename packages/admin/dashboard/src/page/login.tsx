import { useState } from "preact/hooks";

/** Asks for the token of the admin API. */
export function Login(props: {
  readonly why: string | undefined;
  readonly onToken: (token: string) => void;
}) {
  const [token, setToken] = useState("");
  const { why, onToken } = props;
  return (
    <main class="login">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onToken(token.trim());
        }}
      >
        <h1>Log in to this host</h1>
        <p class="soft" id="token-help">
          The token that the host was given for its admin listener. It stays in this tab, until you
          close it or log out.
        </p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={token}
          aria-describedby={why === undefined ? "token-help" : "token-wrong token-help"}
          aria-invalid={why !== undefined}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        {why !== undefined && (
          <p id="token-wrong" class="wrong" role="alert">
            {why}
          </p>
        )}
        <button type="submit" class="primary">
          Log in
        </button>
      </form>
    </main>
  );
}
