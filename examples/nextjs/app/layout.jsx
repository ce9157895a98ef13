import "./style.css";

export const metadata = { title: "Next.js behind servehttp" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
