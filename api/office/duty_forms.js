// The forms of flood duty: which fields each record has.

import { VOCABULARY } from "./vocabulary.js";
import { openRecord, nowText } from "./record_form.js";
import { word } from "./parts.js";
import { say } from "./words.js";

const HOUR_MS = 3600000;
const choices = (vocabulary, first) => [["", first], ...Object.keys(VOCABULARY[vocabulary]).map((key) => [key, word(vocabulary, key)])];
const reason = () => ({ name: "reason", label: say("duty_reason"), kind: "long", needed: true });
const note = () => ({ name: "note", label: say("duty_note"), kind: "long" });
const atField = () => ({ name: "at", label: say("duty_at"), kind: "moment", hint: say("duty_at_hint") });

export function openShift(office, done, { from = nowText(), to = nowText(12 * HOUR_MS) } = {}) {
  openRecord({ office, done, title: say("duty_shift"), type: "shift_planned", fields: [
    { name: "starts_at", label: say("duty_starts"), kind: "moment", value: from, needed: true },
    { name: "ends_at", label: say("duty_ends"), kind: "moment", value: to, needed: true },
    { name: "leader", label: say("duty_leader"), needed: true },
    { name: "phone", label: say("duty_phone") },
    { name: "members", label: say("duty_members"), kind: "list", needed: true, hint: say("duty_members_hint") },
    { name: "response", label: say("duty_level"), kind: "select", options: choices("response", "—") },
    note(),
  ] });
}

export function openCancel(office, shift, done) {
  openRecord({ office, done, title: say("duty_cancel"), type: "shift_cancelled", fields: [reason()],
    prepare: (given) => ({ payload: { shift: shift.id, ...given } }) });
}

export function openLevel(office, level, done) {
  openRecord({ office, done, title: say("duty_change"), type: "response_changed", fields: [
    { name: "response", label: say("duty_level"), kind: "select", options: choices("response", say("duty_lifted")), value: level?.response ?? "" },
    { name: "warning", label: say("duty_warning"), kind: "select", options: choices("warning", say("none")), value: level?.warning ?? "" },
    { name: "since", label: say("duty_starts"), kind: "moment", hint: say("duty_at_hint") },
    { name: "document", label: say("duty_document") },
    note(),
  ] });
}

const pointChoices = (points, first) => [["", first], ...points.map((one) => [one.id, [one.code, one.name].filter(Boolean).join(" ")])];

export function openCall(office, { points, teams, level }, done) {
  openRecord({ office, done, title: say("duty_call"), type: "called_out", fields: [
    { name: "point", label: say("duty_point"), kind: "select", options: pointChoices(points, "—"), needed: true },
    teams.length
      ? { name: "team", label: say("duty_team"), kind: "select", options: [["", "—"], ...teams.map((one) => [one.name, one.name])], needed: true }
      : { name: "team", label: say("duty_team"), needed: true },
    { name: "warning", label: say("duty_warning"), kind: "select", options: choices("warning", say("none")), value: level?.warning ?? "" },
    atField(),
    note(),
  ], prepare: ({ point, ...payload }) => ({ payload, asset: point }) });
}

const STEP_FIELDS = {
  water_measured: () => [{ name: "depth_m", label: say("duty_depth"), kind: "number", max: 20, step: 0.01, needed: true }, atField(), note()],
  action_taken: () => [{ name: "action", label: say("duty_action"), kind: "long", needed: true }, atField()],
  call_out_cancelled: () => [reason()],
};

export const takesForm = (type) => type in STEP_FIELDS;

export function openStep(office, callOut, type, done) {
  openRecord({ office, done, title: say(`step_${type}`), type, fields: STEP_FIELDS[type](),
    prepare: (given) => ({ payload: { call_out: callOut.id, ...given }, asset: callOut.asset_id }) });
}

export function openIncident(office, points, done) {
  openRecord({ office, done, title: say("duty_incident"), type: "incident_noted", fields: [
    { name: "happened_at", label: say("duty_happened"), kind: "moment", value: nowText(), needed: true },
    { name: "point", label: say("duty_point"), kind: "select", options: pointChoices(points, say("none")) },
    { name: "what", label: say("duty_what"), kind: "long", needed: true },
  ], prepare: ({ point = null, ...payload }) => ({ payload, asset: point }) });
}

export function openReport(office, incident, done) {
  const began = incident.reports.length > 0;
  const serials = began ? ["following", "final"] : ["first"];
  openRecord({ office, done, title: say("duty_report"), type: "incident_reported", fields: [
    { name: "serial", label: say("duty_report"), kind: "select", options: serials.map((key) => [key, word("serial", key)]), value: serials[0], needed: true },
    { name: "sent_to", label: say("duty_sent_to"), value: incident.reports.at(-1)?.sent_to ?? "", needed: true },
    { name: "is_upward", label: say("duty_upward"), kind: "tick" },
    { name: "what", label: say("duty_what"), kind: "long", value: began ? "" : incident.words, needed: true },
    atField(),
  ], prepare: (given) => ({ payload: { incident: incident.id, ...given }, asset: incident.asset_id }) });
}

export function openTeam(office, team, done) {
  openRecord({ office, done, title: say("duty_team_new"), type: "team_listed", fields: [
    { name: "name", label: say("duty_name"), value: team?.name ?? "", needed: true },
    { name: "leader", label: say("duty_leader"), value: team?.leader ?? "", needed: true },
    { name: "phone", label: say("duty_phone"), value: team?.phone ?? "" },
    { name: "people", label: say("duty_people"), kind: "number", step: 1, value: team?.people ?? "", needed: true, hint: say("duty_people_hint") },
    { name: "station", label: say("duty_station"), value: team?.station ?? "" },
  ] });
}

export function openSupply(office, supply, done) {
  openRecord({ office, done, title: say("duty_supply_new"), type: "supply_counted", fields: [
    { name: "name", label: say("duty_name"), value: supply?.name ?? "", needed: true },
    { name: "station", label: say("duty_station"), value: supply?.station ?? "", needed: true },
    { name: "quantity", label: say("duty_quantity"), kind: "number", value: supply?.quantity ?? "", needed: true },
    { name: "unit", label: say("duty_unit"), value: supply?.unit ?? "", needed: true },
    { name: "keeper", label: say("duty_keeper"), value: supply?.keeper ?? "" },
    { name: "phone", label: say("duty_phone"), value: supply?.phone ?? "" },
  ] });
}
