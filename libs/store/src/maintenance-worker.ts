import { closeSync, fsyncSync, openSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { type ConnectionOptions, connect } from "./sqlite.ts";

export type MaintenanceRequest = { readonly kind: "checkpoint" } | { readonly kind: "backup"; readonly file: string };

/** `frames` is the length of the WAL. */
export type MaintenanceReply = { readonly frames: number } | { readonly error: unknown };

const db = connect(workerData as ConnectionOptions);

parentPort?.on("message", (request: MaintenanceRequest) => parentPort?.postMessage(answer(request)));

function answer(request: MaintenanceRequest): MaintenanceReply {
  try {
    if (request.kind === "backup") backup(request.file);
    const [checkpoint] = db.pragma("wal_checkpoint(PASSIVE)") as { log: number }[];
    return { frames: checkpoint?.log ?? 0 };
  } catch (error) {
    return { error };
  }
}

/** VACUUM INTO reads one snapshot and encrypts the copy with the key of the connection. It accepts an empty file. */
function backup(path: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    db.prepare("VACUUM INTO ?").run(path);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
