// What can be done to a hazard from a phone, of what the server allows the person: in which
// capacity, with which photo, with which words.

export const ACTS = {
  passed: { role: "reinspector", photo: "reinspection", photoNeeded: true, kind: "primary" },
  returned: { role: "reinspector", photo: "reinspection", photoNeeded: true, reason: true, kind: "primary danger" },
  submitted: { role: "officer", photo: "after", photoNeeded: true, kind: "primary" },
  controlled: { role: "inspector", photo: "interim", photoNeeded: true, kind: "" },
  commented: { role: "inspector", photo: "other", photoNeeded: false, kind: "" },
};
