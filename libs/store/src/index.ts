export { type AuditEntry, type AuditHead, AuditTrail } from "./audit-trail.ts";
export type { StoreFaults, WriteOptions } from "./group-commit.ts";
export { Inbox } from "./inbox.ts";
export { createKeyFile } from "./key-file.ts";
export { openStore, type Store, type StoreOptions } from "./open.ts";
export { Outbox, type OutboxEvent, type OutboxMessage } from "./outbox.ts";
export type { Cipher, Database } from "./sqlite.ts";
