import { ask, tellFailure } from "./ask.js";
import { byId, element } from "./element.js";

/** Says hello, as whoever the host takes the client for. */
export function showHello() {
  byId("hello-plain").addEventListener("click", () => void tellFailure("hello-answer", say({})));
  byId("hello-forged").addEventListener(
    "click",
    () => void tellFailure("hello-answer", say({ "x-user-id": "root" })),
  );
  for (const button of byId("users").children) {
    button.addEventListener(
      "click",
      () => void tellFailure("hello-answer", signIn(button.dataset.user)),
    );
  }
  void tellFailure("hello-answer", say({}));
}

async function signIn(user) {
  await ask("/host/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  dispatchEvent(new Event("signed-in"));
  await say({});
}

async function say(forged) {
  const hello = await ask("/plugins/hello/from/the/page?q=1", { headers: forged });
  const facts = [
    [
      "you sent",
      forged["x-user-id"] === undefined ? "no X-User-Id" : `X-User-Id: ${forged["x-user-id"]}`,
    ],
    ["the plugin saw", `X-User-Id: ${hello.userHeader ?? "none"}`],
    ["the host’s cookie", hello.cookie === null ? "not passed on" : hello.cookie],
    [
      "context",
      Object.entries(hello.context)
        .map((entry) => entry.join(": "))
        .join(", "),
    ],
    ["request", `${hello.method} ${hello.url}`],
    ["answered by", `process ${hello.pid}`],
  ];
  byId("hello-answer").replaceChildren(
    element("p", { class: "greeting" }, hello.greeting),
    element(
      "dl",
      { class: "facts" },
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    ),
  );
  for (const button of byId("users").children) {
    button.setAttribute("aria-pressed", String(button.dataset.user === hello.context.user));
  }
}
