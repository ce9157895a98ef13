import { Links, Meta, Outlet, Scripts, ScrollRestoration } from "react-router";
import style from "./style.css?url";

export const links = () => [
  { rel: "stylesheet", href: style },
  { rel: "icon", href: "data:," },
];

export default function Root() {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <title>React Router behind servehttp</title>
        <Meta />
        <Links />
      </head>
      <body>
        <Outlet />
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  );
}
