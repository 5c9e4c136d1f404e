/** The page's entry. */
import "./jitless.ts";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import "./style.css";

createRoot(document.getElementById("console") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
