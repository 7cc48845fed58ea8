// Photos as evidence: the bytes of the camera, untouched, under their hash; beside them a copy that
// says in the picture who took it, where and when. What exceeds the limit of a file is written anew,
// and the record names what it was made of.

import { sha256Hex } from "./sha256.js";

export const MAX_BYTES = 8 * 1024 * 1024;
// Larger than any camera's photo: no phone is made to hold such a file in memory.
const MOST_BYTES = 64 * 1024 * 1024;
const LARGE_EDGE = 4096;
const LARGE_QUALITIES = [0.92, 0.85, 0.75, 0.6, 0.45, 0.3];
const COPY_EDGE = 1600;
const COPY_QUALITY = 0.82;

export class PhotoRefusedError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason; // "too_large" | "wrong_type" | "empty"
  }
}

export async function hashBytes(buffer) {
  if (!self.crypto?.subtle) return sha256Hex(new Uint8Array(buffer));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// By what the bytes are, not by what the phone calls them.
export function sniffMedia(bytes) {
  const ascii = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "image/jpeg";
  if (bytes[0] === 0x89 && ascii(1, 4) === "PNG") return "image/png";
  if (ascii(0, 4) === "RIFF" && ascii(8, 12) === "WEBP") return "image/webp";
  if (ascii(4, 8) === "ftyp" && /^(heic|heix|hevc|mif1|msf1)$/.test(ascii(8, 12))) return "image/heic";
  return null;
}

// The file exactly as the camera made it; one above the limit as the largest JPEG that fits, with
// the hash and size of what the camera made in "recompressed".
export async function readPhoto(file) {
  if (file.size > MOST_BYTES) throw new PhotoRefusedError("too_large");
  const buffer = await file.arrayBuffer();
  if (!buffer.byteLength) throw new PhotoRefusedError("empty");
  const media = sniffMedia(new Uint8Array(buffer, 0, Math.min(32, buffer.byteLength)));
  if (!media) throw new PhotoRefusedError("wrong_type");
  const photo = { sha256: await hashBytes(buffer), media, bytes: new Blob([buffer], { type: media }) };
  return file.size > MAX_BYTES ? recompress(photo) : photo;
}

async function recompress({ sha256, bytes }) {
  const canvas = await drawScaled(bytes, LARGE_EDGE).catch(() => null);
  if (!canvas) throw new PhotoRefusedError("too_large");
  for (const quality of LARGE_QUALITIES) {
    const smaller = await toBlob(canvas, "image/jpeg", quality);
    if (smaller && smaller.size <= MAX_BYTES) return { ...(await describeBlob(smaller, "image/jpeg")), recompressed: { sha256, bytes: bytes.size } };
  }
  throw new PhotoRefusedError("too_large");
}

// What a record says of a photo that was written anew; nothing of any other.
export const noteRecompressed = ({ recompressed }) => (recompressed ? { recompressed: true, original_sha256: recompressed.sha256, original_bytes: recompressed.bytes } : {});

async function drawScaled(photo, edge) {
  const image = await createImageBitmap(photo, { imageOrientation: "from-image" });
  const scale = Math.min(1, edge / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return canvas;
}

export function toBlob(canvas, media, quality) {
  return new Promise((resolve) => canvas.toBlob(resolve, media, quality));
}

export async function describeBlob(blob, media) {
  return { sha256: await hashBytes(await blob.arrayBuffer()), media, bytes: blob };
}

// False for what this browser has no decoder for: HEIC on most phones but Apple's.
export function canDraw(photo) {
  return createImageBitmap(photo).then((image) => (image.close(), true), () => false);
}

// null where the phone cannot draw the picture: the original does not wait for its copy.
export async function makeWatermarked(photo, lines) {
  try {
    const canvas = await drawScaled(photo, COPY_EDGE);
    const context = canvas.getContext("2d");
    drawLines(context, canvas, lines);
    const copy = await toBlob(canvas, "image/jpeg", COPY_QUALITY);
    return copy && (await describeBlob(copy, "image/jpeg"));
  } catch {
    return null;
  }
}

function drawLines(context, canvas, lines) {
  const size = Math.max(14, Math.round(Math.min(canvas.width, canvas.height) / 32));
  const step = Math.round(size * 1.4);
  const height = step * lines.length + size;
  context.fillStyle = "rgba(0, 0, 0, 0.62)";
  context.fillRect(0, canvas.height - height, canvas.width, height);
  context.fillStyle = "#fff";
  context.textBaseline = "top";
  context.font = `${size}px system-ui, sans-serif`;
  lines.forEach((line, index) => {
    context.fillText(line, size, canvas.height - height + size / 2 + index * step, canvas.width - 2 * size);
  });
}
