import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import "./style/tokens.css";
import "./style/page.css";
import "./style/controls.css";
import "./style/sliders.css";
import "./style/dialog.css";
import "./style/panel.css";
import "./style/movement.css";
import "./style/charts.css";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
