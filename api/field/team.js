// Who carried out the visit: the team, other departments, who accompanied it.

import { keepDraft, keepSoon } from "./draft.js";
import { make } from "./dom.js";
import { ORIGINS, button, field, icon, originWord } from "./ui.js";
import { say } from "./words.js";

export function makeTeam(app, draft) {
  const names = make("div", { class: "names" });
  let typed = "";
  const fill = () => names.replaceChildren(...draft.team.map(nameChip));
  const nameChip = (name, index) =>
    make("button", { type: "button", class: "name", "aria-label": say("remove_name", { name }), onclick: () => change(draft.team.toSpliced?.(index, 1) ?? draft.team.filter((_, at) => at !== index)) }, make("span", { text: name }), icon("cross"));
  const change = (team) => {
    draft.team = team;
    keepDraft(app, draft);
    fill();
  };
  const input = field(say("team_add"), { autocomplete: "off", maxlength: "40", oninput: (value) => (typed = value) });
  const add = () => {
    const name = typed.trim();
    if (name && !draft.team.includes(name)) change([...draft.team, name]);
    input.querySelector("input").value = typed = "";
  };
  input.querySelector("input").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    add();
  });
  // A name left in the box when the thumb moves on is meant.
  input.querySelector("input").addEventListener("blur", add);
  fill();
  const soon = (name) => (value) => {
    draft[name] = value;
    keepSoon(app, draft);
  };
  return make(
    "section",
    { class: "stack team" },
    make("h2", { text: say("team") }),
    names,
    make("div", { class: "row end" }, input, button(say("team_add"), add, { glyph: "add", kind: "icon-only", "aria-label": say("team_add") })),
    field(say("origin"), { tag: "select", value: draft.origin ?? ORIGINS[0], options: ORIGINS.map((key) => [key, originWord(key)]), oninput: soon("origin") }),
    field(say("joint"), { value: draft.joint, hint: say("joint_hint"), oninput: soon("joint") }),
    field(say("accompanied"), { value: draft.accompanied_by, oninput: soon("accompanied_by") }),
  );
}
