// What this browser can do; the app says so instead of failing in a basement.

const EMBEDDED = [
  [/MicroMessenger/i, "wechat"],
  [/DingTalk/i, "dingtalk"],
  [/wxwork/i, "wecom"],
  [/\bQQ\//i, "qq"],
  [/AlipayClient/i, "alipay"],
];

// level: "full" opens without a signal; "online" keeps records but opens only with one;
// "plain" keeps nothing: a form that must be sent at once.
export async function detectMode() {
  const embedded = EMBEDDED.find(([pattern]) => pattern.test(navigator.userAgent))?.[1] ?? null;
  const database = await canKeep();
  const worker = self.isSecureContext && "serviceWorker" in navigator;
  const reasons = [];
  if (!self.isSecureContext) reasons.push("no_https");
  else if (!worker) reasons.push("no_worker");
  if (!database) reasons.push("no_database");
  if (embedded) reasons.push("embedded");
  const level = !database ? "plain" : !worker || embedded ? "online" : "full";
  return { level, reasons, embedded, worker };
}

function canKeep() {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open("infratrack-probe");
      request.onsuccess = () => {
        request.result.close();
        indexedDB.deleteDatabase("infratrack-probe");
        resolve(true);
      };
      request.onerror = () => resolve(false);
    } catch {
      resolve(false);
    }
  });
}

const FULL_SHARE = 0.8;

export async function readStorage() {
  const persisted = (await navigator.storage?.persisted?.()) ?? false;
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return { persisted, usage, quota, nearlyFull: quota > 0 && usage / quota > FULL_SHARE };
}

export async function askPersistence() {
  if (await navigator.storage?.persisted?.()) return true;
  return (await navigator.storage?.persist?.()) ?? false;
}
