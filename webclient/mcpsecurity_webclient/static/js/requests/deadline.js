/** The deadline of a request to the person: a call, a question or a sampling request. */

/** @returns {import("./countdown.js").Deadline} */
export function deadlineOf({ call_id: call, elicitation_id: elicitation, sampling_id: sampling, expires_at, latest_at }) {
  if (elicitation) return { kind: "elicitation", id: elicitation, expires_at, latest_at };
  if (sampling) return { kind: "sampling", id: sampling, expires_at, latest_at };
  return { kind: "call", id: call, expires_at, latest_at };
}
