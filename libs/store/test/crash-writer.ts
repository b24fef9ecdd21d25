// Writes notes until it is killed, and prints each after the store has acknowledged it.
// Arguments: database, key file, first number, cipher.
import { systemClock } from "@vcc-pki/time";
import { type Cipher, openStore } from "../src/index.ts";
import { MIGRATIONS } from "./migrations-url.ts";

const [file = "", keyFile, first, cipher] = process.argv.slice(2);
const store = openStore({ file, keyFile, cipher: cipher as Cipher, migrations: MIGRATIONS, clock: systemClock });
const insert = store.db.prepare("INSERT INTO note (text) VALUES (?)");
let next = Number(first);

async function writeForEver(): Promise<void> {
  for (;;) {
    const text = `note ${next++}`;
    await store.write(() => {
      insert.run(text);
      store.audit.add({
        action: "note.write",
        outcome: "done",
        caller: "c",
        requester: "c",
        organisation: "vcc",
        target: text,
      });
      store.outbox.add({ subject: "pki.vcc.note.written", type: "pki.note.written.v1", data: { text } });
    });
    // The parent may be slow to read, and writeSync on its pipe would then fail with EAGAIN.
    await new Promise((resolve) => process.stdout.write(`${text}\n`, resolve));
  }
}

for (let writer = 0; writer < 4; writer++) void writeForEver();
