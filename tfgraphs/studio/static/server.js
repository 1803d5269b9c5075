// Talks to the server: questions, pictures, and runs that take long.

async function answerOf(response) {
  const answer = await response.json().catch(() => ({ error: "invalid answer of the server" }));
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

async function post(path, body, type) {
  try {
    return await answerOf(await fetch(path, { method: "POST", body, headers: { "Content-Type": type } }));
  } catch (error) {
    if (error instanceof TypeError) throw new Error("the server does not answer: is it still running?");
    throw error;
  }
}

/** Asks a question of a tab. */
export function ask(tab, question, state = {}) {
  return post(`/api/${tab}/${question}`, JSON.stringify(state), "application/json");
}

/** Brings a picture; the answer has its key and size. */
export function bring(file) {
  return post("/api/pictures", file, "application/octet-stream");
}

/** Starts work of a tab; the answer is the key of the job. */
export async function begin(tab, work, state) {
  return (await post(`/api/jobs/${tab}/${work}`, JSON.stringify(state), "application/json")).job;
}

export function cancel(job) {
  return post(`/api/jobs/${job}/cancel`, "{}", "application/json");
}

export const framePath = (job, frame) => `/api/jobs/${job}/frames/${frame}`;
export const picturePath = (key) => `/api/pictures/${encodeURIComponent(key)}`;
export const viewPath = (name) => `/api/views/${encodeURIComponent(name)}`;
export const resultPath = (name) => `/api/results/${encodeURIComponent(name)}`;

/** Calls `onEvent` with each event of a job, from the first on; returns a function that ends this. */
export function follow(job, onEvent) {
  const source = new EventSource(`/api/jobs/${job}/events`);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (["done", "cancelled", "failed"].includes(event.kind)) source.close();
    onEvent(event);
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) onEvent({ kind: "lost" });
  };
  return () => source.close();
}
