import { type Params, resourceId } from "@davit/protocol";
import { requireEngine } from "../docker/require-engine.ts";
import type { OperationContext } from "../operation.ts";
import { lackOfSpace } from "../resource/check-space.ts";
import { findUsers, findUsersOf, type Surroundings, surveyNow } from "../resource/find-users.ts";
import { describeWriters, orObject, type Surveying } from "../resource/look-at-writers.ts";
import { planForCopy, type Treated } from "../resource/plan-treatment.ts";
import { noteNoSnapshot, policyFor, policyOf, withoutSnapshot } from "../resource/policy.ts";
import { reachOf } from "../resource/reach-place.ts";
import { type Asked, refuseDatabases } from "../resource/refuse-databases.ts";
import { type LocatedStack, locateStack } from "./locate-stack.ts";
import type { PartCopy, StackFacts } from "./part-facts.ts";
import { requireCompose } from "./run-compose.ts";

/**
 * Finds out all that a backup of a stack would do, and does nothing.
 * @throws OperationError resource-not-found | stack-unreadable | compose-missing | docker-unreachable | unsupported
 */
export async function surveyStackBackup(
	params: Params<"stack.backup">,
	surveying: Surveying,
): Promise<StackFacts> {
	const { context, signal, object } = surveying;
	const { config, command, now } = context;
	await requireCompose(config);
	const stack = await locateStack(params.stack, context, signal);
	const resource = resourceId({ kind: "stack", stack: params.stack });
	await checkSpace(stack, surveying);
	const policy = policyFor(params.consistency, policyOf(resource, {}, config));
	// The states of containers move fastest, so they are looked at last.
	const startedAtMs = now();
	const engine = await requireEngine(context, signal);
	const surroundings = await surveyNow(engine, signal);
	const users = findUsersOf(
		stack.parts.map(({ place }) => place),
		surroundings,
	);
	const planned = planForCopy(users, withoutSnapshot(policy), { engine, signal });
	const treated = await orObject("resource-in-use", planned, { object, otherwise: [] });
	const asked: Asked = { isForced: params.forceDatabaseFiles === true, doing: "backed up" };
	const copies = await planCopies(stack, { surroundings, treated, asked }, surveying);
	return {
		...{ resource, command, archive: context.archives.archiveOf(command), startedAtMs, stack, treated },
		...{ writers: describeWriters(users, treated), policy, copies, asked },
		notes: policy.consistency === "snapshot" ? [noteNoSnapshot("of a whole stack none is made", policy)] : [],
		images: params.images === undefined ? "homeless" : params.images ? "all" : "none",
	};
}

interface Copying {
	readonly surroundings: Surroundings;
	readonly treated: readonly Treated[];
	readonly asked: Asked;
}

async function planCopies(
	{ parts }: LocatedStack,
	{ surroundings, treated, asked }: Copying,
	{ context, signal, object }: Surveying,
): Promise<readonly PartCopy[]> {
	const copies: PartCopy[] = [];
	for (const located of parts) {
		const users = findUsers(located.place, surroundings);
		// One that only reads it may be held still for another part; that protects nothing here.
		const writers = users.filter(({ writes }) => writes);
		const own = treated.filter(({ id }) => writers.some((user) => user.id === id));
		const writing = { located, users, treated: own, isAtOnce: false, ...asked };
		const refusing = refuseDatabases(writing, context, signal);
		const forced = await orObject("database-files", refusing, { object, otherwise: [] });
		copies.push({ writers: describeWriters(users, own), forced });
	}
	return copies;
}

async function checkSpace(
	{ project, parts }: LocatedStack,
	{ context, signal, object }: Surveying,
): Promise<void> {
	const { archives, config }: OperationContext = context;
	let needBytes = 0;
	for (const part of parts) {
		// How much the archive API will give cannot be known before.
		if (part.dataPath === "archive-api") continue;
		const job = { kind: "measure", root: part.place.folder } as const;
		needBytes += (await reachOf(part, context).do(job, { signal })).contentBytes;
	}
	const lack = lackOfSpace({
		...{ what: `the archive of stack ${project}`, path: config.archivesPath, needBytes },
		...{ freeBytes: await archives.freeBytes(), reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) object(lack);
}
