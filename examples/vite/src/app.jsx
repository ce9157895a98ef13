import { useEffect, useState } from "react";
import logo from "./logo.svg";

/** The path of the application: what it was built for, or where its page is. */
const base = new URL(import.meta.env.BASE_URL, document.baseURI).pathname;

/** Two pages. An application of more would bring a router, and tell it the same base. */
export function App() {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const moved = () => setPath(location.pathname);
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  const go = (event) => {
    event.preventDefault();
    history.pushState(null, "", event.target.href);
    setPath(location.pathname);
  };
  return path === `${base}about` ? <About go={go} /> : <Home go={go} />;
}

function Home({ go }) {
  const [count, setCount] = useState(0);
  const [notes, setNotes] = useState([]);
  const load = async (options) => {
    setNotes(await (await fetch(`${base}api/notes`, options)).json());
  };
  useEffect(() => void load(), []);
  const say = async (event) => {
    event.preventDefault();
    const text = new FormData(event.target).get("text");
    const headers = { "content-type": "application/json" };
    await load({ method: "POST", headers, body: JSON.stringify({ text }) });
  };
  return (
    <>
      <img id="logo" src={logo} alt="" />
      <h1>Home</h1>
      <button id="count" onClick={() => setCount(count + 1)}>
        {count}
      </button>
      <form id="say" onSubmit={say}>
        <input name="text" aria-label="A note" /> <button>Add</button>
      </form>
      <ul id="said">
        {notes.map((text, index) => (
          <li key={index}>{text}</li>
        ))}
      </ul>
      <a id="about" href={`${base}about`} onClick={go}>
        About
      </a>
    </>
  );
}

function About({ go }) {
  return (
    <>
      <h1>About</h1>
      <a href={base} onClick={go}>
        Home
      </a>
    </>
  );
}
