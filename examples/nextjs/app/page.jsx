import Link from "next/link";
import { Counter } from "./counter.jsx";
import logo from "./logo.svg";
import { notes, say } from "./notes.js";

// The page shows what was said last, so it is made for each request.
export const dynamic = "force-dynamic";

export default async function Home() {
  return (
    <>
      <img id="logo" src={logo.src} alt="" />
      <h1>Home</h1>
      <Counter />
      <form id="say" action={say}>
        <input name="text" aria-label="A note" /> <button>Add</button>
      </form>
      <ul id="said">
        {(await notes()).map((text, index) => (
          <li key={index}>{text}</li>
        ))}
      </ul>
      <Link id="about" href="/about">
        About
      </Link>
    </>
  );
}
