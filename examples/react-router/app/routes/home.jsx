import { useState } from "react";
import { Form, Link } from "react-router";
import logo from "../logo.svg";

const notes = [];

export const loader = () => ({ notes });

export async function action({ request }) {
  notes.push((await request.formData()).get("text"));
  return null;
}

export default function Home({ loaderData }) {
  const [count, setCount] = useState(0);
  return (
    <>
      <img id="logo" src={logo} alt="" />
      <h1>Home</h1>
      <button id="count" onClick={() => setCount(count + 1)}>
        {count}
      </button>
      <Form id="say" method="post">
        <input name="text" aria-label="A note" /> <button>Add</button>
      </Form>
      <ul id="said">
        {loaderData.notes.map((text, index) => (
          <li key={index}>{text}</li>
        ))}
      </ul>
      <Link id="about" to="/about">
        About
      </Link>
    </>
  );
}
