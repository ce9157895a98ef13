import { useState } from "preact/hooks";

/** Asks for the token of the admin API. */
export function Login(props: {
  /** Whether the host did not take the token that was tried last. */
  readonly isWrong: boolean;
  readonly onToken: (token: string) => void;
}) {
  const [token, setToken] = useState("");
  const { isWrong, onToken } = props;
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
        {/* Password managers keep a name with each password. */}
        <input type="text" autocomplete="username" value="servehttp admin" readOnly hidden />
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={token}
          aria-describedby={isWrong ? "token-wrong token-help" : "token-help"}
          aria-invalid={isWrong}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        {isWrong && (
          <p id="token-wrong" class="wrong" role="alert">
            The host did not take this token.
          </p>
        )}
        <button type="submit" class="primary">
          Log in
        </button>
      </form>
    </main>
  );
}
