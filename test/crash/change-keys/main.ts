import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSeals } from "@davit/agents/encryption/equip-job.ts";
import { openKeyring } from "@davit/agents/encryption/keyring.ts";

// node main.ts HOME RECIPIENT [rotate]: what an agent does that is told to trust a recovery key, or to make another key of its own, and
// then begins an encrypted archive, of which only the headers are kept here: in them the keys are that somebody must have.

const [home = "", recipient = "", verb] = process.argv.slice(2);
const keyring = openKeyring(home);
await keyring.trust([recipient]);
if (verb === "rotate") await keyring.rotate();
const seals = await makeSeals(keyring);
if (seals === undefined) throw new Error("an archive would not have been encrypted");
const folder = join(home, "headers");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, `${Date.now()}`), Buffer.from(seals.content.header, "base64"));
