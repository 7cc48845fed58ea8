// Texts whose contrast with the ground they stand on is below 7:1 (WCAG 2.2, 1.4.6).
() => {
  const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const read = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const ground = (one) => {
    for (let up = one; up; up = up.parentElement) {
      const [r, g, b, a = 1] = read(getComputedStyle(up).backgroundColor);
      if (a > 0.9) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const holdsText = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const poor = [];
  for (const one of document.querySelectorAll(".app *")) {
    if (!holdsText(one) || !one.checkVisibility() || !one.getBoundingClientRect().width) continue;
    const ink = light(read(getComputedStyle(one).color).slice(0, 3));
    const paper = light(ground(one));
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 7) poor.push([one.className, one.textContent, Math.round(contrast * 10) / 10]);
  }
  return poor;
}
