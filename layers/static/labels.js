// Names on the map, the more important first, and never one over another.

import { daysLate } from "./clock.js";
import { say } from "./i18n.js";
import { eachFeature, ownsPoint } from "./scene.js";
import { INK, LATE, pointRadius } from "./style.js";

const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", system-ui, sans-serif';
const ROOM = 3;
const MOST = 220;

export function writeLateness(days) {
  if (days === null) return "";
  if (days < 1) return say("late_today");
  return days === 1 ? say("late_day") : say("late_days", { n: days });
}

export function drawLabels(ctx, scene, bounds) {
  const wishes = collectLabels(scene).sort((a, b) => a.rank - b.rank);
  const taken = [];
  ctx.lineJoin = "round";
  ctx.textBaseline = "middle";
  for (const wish of wishes) {
    if (taken.length >= MOST) break;
    placeLabel(ctx, wish, taken, bounds);
  }
}

function collectLabels(scene) {
  const wishes = new Map();
  eachFeature(scene, (layer, feature, content) => {
    const { properties } = feature;
    if (properties.cells || !feature.box) return;
    const wish = describeLabel(scene, layer, feature, content);
    if (!wish) return;
    const key = `${layer.id}/${feature.kind === 2 ? wish.text : properties.id}`;
    if (!wishes.has(key) || wishes.get(key).room < wish.room) wishes.set(key, wish);
  });
  return [...wishes.values()];
}

function describeLabel(scene, layer, feature, content) {
  const { properties, kind } = feature;
  if (kind === 1) return describePoint(scene, layer, feature, content);
  if (!properties.name) return null;
  if (layer.background) return { ...middleOf(feature, content), text: properties.name, rank: 5, size: 12, color: "#857f70", room: roomOf(feature, content) };
  if (kind === 2) return scene.zoom < 14 ? null : describeLine(feature, content);
  if (scene.zoom < (layer.labels_from ?? 14)) return null;
  return { ...middleOf(feature, content), text: properties.name, rank: 3, size: 12, color: INK, room: roomOf(feature, content) };
}

function describePoint(scene, layer, { properties, parts }, content) {
  const [x, y] = parts[0];
  if (!ownsPoint(content, x, y)) return null;
  const days = daysLate(properties);
  const at = { x: content.left + x * content.scale, y: content.top + y * content.scale };
  const beside = pointRadius(layer.style.find(properties[layer.color_by]), scene.zoom) + (days === null ? 5 : 9);
  if (days !== null && scene.zoom >= 13) {
    return { ...at, beside, text: writeLateness(days), rank: 0 - days / 1e4, size: 11.5, bold: true, color: LATE, room: 0 };
  }
  const text = properties.name || (scene.zoom >= 18 ? properties.code : "");
  if (scene.zoom < (layer.labels_from ?? 16) || !text) return null;
  return { ...at, beside, text, rank: 6, size: 11.5, color: INK, room: 0 };
}

function describeLine({ properties, parts }, content) {
  let best = null;
  for (const part of parts) {
    for (let at = 0; at + 3 < part.length; at += 2) {
      const dx = part[at + 2] - part[at];
      const dy = part[at + 3] - part[at + 1];
      const room = Math.hypot(dx, dy) * content.scale;
      if (!best || room > best.room) best = { at, part, dx, dy, room };
    }
  }
  if (!best || best.room < 46) return null;
  const { part, at, dx, dy, room } = best;
  const x = content.left + ((part[at] + part[at + 2]) / 2) * content.scale;
  const y = content.top + ((part[at + 1] + part[at + 3]) / 2) * content.scale;
  const angle = Math.atan2(dy, dx);
  const turned = Math.abs(angle) > Math.PI / 2 ? angle + Math.PI : angle;
  return { x, y, angle: turned, text: properties.name, rank: 4, size: 11, color: "#4a5058", room };
}

function middleOf({ box }, content) {
  const [west, north, east, south] = box;
  const x = content.left + ((Math.max(0, west) + Math.min(content.extent, east)) / 2) * content.scale;
  const y = content.top + ((Math.max(0, north) + Math.min(content.extent, south)) / 2) * content.scale;
  return { x, y };
}

function roomOf({ box }, content) {
  const wide = Math.min(content.extent, box[2]) - Math.max(0, box[0]);
  const high = Math.min(content.extent, box[3]) - Math.max(0, box[1]);
  return wide > 0 && high > 0 ? Math.min(wide * content.scale, high * content.scale * 3) : 0;
}

function placeLabel(ctx, wish, taken, bounds) {
  ctx.font = `${wish.bold ? "600 " : ""}${wish.size}px ${FONT}`;
  const text = wish.text.length > 24 ? `${wish.text.slice(0, 23)}…` : wish.text;
  const width = ctx.measureText(text).width;
  if (wish.beside === undefined && wish.room < width + 8) return;
  const box = boxOf(wish, width);
  if (box[2] < bounds.min.x || box[0] > bounds.max.x || box[3] < bounds.min.y || box[1] > bounds.max.y) return;
  if (taken.some((other) => overlaps(other, box))) return;
  taken.push(box);
  ctx.save();
  ctx.translate(wish.x + (wish.beside ?? 0), wish.y);
  if (wish.angle) ctx.rotate(wish.angle);
  ctx.textAlign = wish.beside === undefined ? "center" : "left";
  ctx.strokeStyle = "rgba(255,255,255,.92)";
  ctx.lineWidth = 3.2;
  ctx.strokeText(text, 0, 0);
  ctx.fillStyle = wish.color;
  ctx.fillText(text, 0, 0);
  ctx.restore();
}

function boxOf(wish, width) {
  const high = wish.size + ROOM;
  if (wish.beside !== undefined) {
    return [wish.x - wish.beside, wish.y - high / 2, wish.x + wish.beside + width, wish.y + high / 2];
  }
  const turn = wish.angle ?? 0;
  const halfX = (Math.abs(Math.cos(turn)) * width + Math.abs(Math.sin(turn)) * high) / 2;
  const halfY = (Math.abs(Math.sin(turn)) * width + Math.abs(Math.cos(turn)) * high) / 2;
  return [wish.x - halfX, wish.y - halfY, wish.x + halfX, wish.y + halfY];
}

function overlaps(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
