import { appendFile, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { errnoOf } from "../files/file-failure.ts";
import { type Restic, type ResticAnswer, type ResticCall, requireSuccess, runRestic } from "./run-restic.ts";

const lockedCode = 11;
/** restic's `unlock` removes every lock that is older, whoever made it. */
const staleMs = 30 * 60_000;

const Lock = z.object({ time: z.string(), hostname: z.string(), pid: z.int(), exclusive: z.boolean() });
export type Lock = z.infer<typeof Lock> & { readonly id: string };

/**
 * Runs a call that needs a lock. Where one is in the way that a program of this very host left when it was killed, it is removed;
 * others are waited for.
 */
export async function runPastDeadLocks(restic: Restic, call: ResticCall): Promise<ResticAnswer> {
	const first = await runRestic(restic, { ...call, lockWaitSeconds: 0 });
	if (first.code !== lockedCode) return first;
	await removeDeadLocks(restic, call.signal);
	const { lockSeconds } = restic.repository;
	const silence = call.silenceMs === undefined ? {} : { silenceMs: call.silenceMs + lockSeconds * 1000 };
	return runRestic(restic, { ...call, lockWaitSeconds: lockSeconds, ...silence });
}

/**
 * Removes locks of this host whose program has ended, and no others: where restic's `unlock` would remove one of another host too, a
 * person has to decide. What is removed is written into `agent/removed-locks.jsonl`.
 */
export async function removeDeadLocks(restic: Restic, signal: AbortSignal): Promise<readonly Lock[]> {
	const locks = await listLocks(restic, signal);
	const dead: Lock[] = [];
	for (const lock of locks) if (await isOwnAndDead(lock)) dead.push(lock);
	const isForeignStale = ({ time, ...lock }: Lock) =>
		!dead.some(({ id }) => id === lock.id) && Date.now() - Date.parse(time) > staleMs;
	if (dead.length === 0 || locks.some(isForeignStale)) return [];
	const note = { at: new Date().toISOString(), repository: restic.repository.name, locks: dead };
	await appendFile(join(restic.home, "agent", "removed-locks.jsonl"), `${JSON.stringify(note)}\n`, {
		mode: 0o600,
	});
	await requireSuccess(restic, { arguments: ["unlock"], signal });
	return dead;
}

async function listLocks(restic: Restic, signal: AbortSignal): Promise<Lock[]> {
	const listed = await requireSuccess(restic, { arguments: ["list", "locks", "--no-lock"], signal });
	const locks: Lock[] = [];
	for (const id of listed.match(/[0-9a-f]{64}/g) ?? []) {
		const answer = await runRestic(restic, { arguments: ["cat", "lock", id, "--no-lock"], signal });
		// It was removed meanwhile.
		if (answer.code !== 0) continue;
		locks.push({ id, ...Lock.parse(JSON.parse(answer.output)) });
	}
	return locks;
}

async function isOwnAndDead({ hostname: host, pid }: Lock): Promise<boolean> {
	if (host !== hostname()) return false;
	try {
		return (await readFile(`/proc/${pid}/comm`, "utf8")).trim() !== "restic";
	} catch (error) {
		if (errnoOf(error) !== "ENOENT") throw error;
		return true;
	}
}
