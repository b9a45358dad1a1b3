import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, suite, test } from "node:test";
import type { Engine } from "@davit/agents/docker/engine.ts";
import { resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);
const megabyte = 1024 * 1024;
const engines = { nas: "20.10", pi: "26.1" } as const;

suite("a file that shrinks while the engine reads it", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;

	before(async () => {
		const hosts = Object.entries(engines).map(([name, engine]) => ({ name, engine }));
		laboratory = await openLaboratory({ hosts }, signal);
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	for (const [name, version] of Object.entries(engines)) {
		test(`fails the backup over engine ${version}, which answers 200 and ends its tar cleanly`, async () => {
			const host = laboratory.host(name);
			const rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
			const volume = VolumeName.parse("shrinking");
			await host.docker(["volume", "create", volume]);
			const folder = join(host.dataRoot, "volumes", volume, "_data");
			const big = join(folder, "big");
			await writeFile(big, Buffer.alloc(128 * megabyte, "davit"));
			await writeFile(join(folder, "z-last"), "would be missing");
			const seen = { bytes: 0, endedCleanly: false };
			const { engine, config } = rig;
			assert.ok(engine !== undefined);
			const far = { ...engine, sharesPaths: false, ...interfere(engine, () => truncateSync(big, 1), seen) };
			const context = rig.context({ engine: far, config: { ...config, helper: false } });
			await assert.rejects(perform("volume.backup", { volume }, { context }), {
				code: "source-changed",
				message: /the engine's tar ended before its end marker/,
			});
			// That it happened at all: the engine was content, and sent less than the file had.
			assert.equal((await stat(big)).size, 1);
			assert.deepEqual([seen.endedCleanly, seen.bytes < 128 * megabyte], [true, true], JSON.stringify(seen));
			assert.deepEqual(await context.archives.list(resourceId({ kind: "volume", volume })), []);
			assert.equal(await host.docker(["ps", "-aq"]), "");
		});
	}
});

/** Does something once the engine has begun to send, and sees how it ends. */
function interfere(
	engine: Engine,
	act: () => void,
	seen: { bytes: number; endedCleanly: boolean },
): Pick<Engine, "readTar"> {
	return {
		async readTar(...asked) {
			const stream = await engine.readTar(...asked);
			async function* watched(): AsyncGenerator<Buffer, void> {
				for await (const chunk of stream) {
					if (seen.bytes === 0) act();
					// What a socket gives is bytes.
					const bytes = chunk as Buffer;
					seen.bytes += bytes.length;
					yield bytes;
				}
				seen.endedCleanly = true;
			}
			return Readable.from(watched());
		},
	};
}
