import { type Params, resourceId } from "@davit/protocol";
import { requireEngine } from "../docker/require-engine.ts";
import { lackOfSpace } from "../resource/check-space.ts";
import { findUsers, findUsersOf, type Surroundings, surveyNow } from "../resource/find-users.ts";
import { describeWriters, orObject, type Surveying } from "../resource/look-at-writers.ts";
import { planForCopy, type Treated } from "../resource/plan-treatment.ts";
import { noteNoSnapshot, policyFor, policyOf, withoutSnapshot } from "../resource/policy.ts";
import { predictDowntime } from "../resource/predict-downtime.ts";
import { reachOf } from "../resource/reach-place.ts";
import { type Asked, refuseDatabases } from "../resource/refuse-databases.ts";
import type { BackupSurvey } from "../resource/survey-backup.ts";
import { type LocatedStack, locateStack } from "./locate-stack.ts";
import type { PartCopy, StackFacts } from "./part-facts.ts";
import { requireCompose } from "./run-compose.ts";

/**
 * Finds out all that a backup of a stack would do, and does nothing.
 * @throws OperationError resource-not-found | stack-unreadable | compose-missing | docker-unreachable | unsupported
 */
export async function surveyStackBackup(
	params: Params<"stack.preview"> & Pick<Params<"stack.backup">, "images">,
	surveying: Surveying,
): Promise<StackSurvey> {
	const { context, signal, object } = surveying;
	const { config, command, now } = context;
	await requireCompose(config);
	const stack = await locateStack(params.stack, context, signal);
	const resource = resourceId({ kind: "stack", stack: params.stack });
	const size = await measure(stack, surveying);
	const freeBytes = await context.archives.freeBytes();
	checkSpace(stack, { needBytes: size?.contentBytes ?? 0, freeBytes }, surveying);
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
	const consistency = withoutSnapshot(policy);
	const predictedDowntimeMs = await predictDowntime(
		{
			...{ resource, consistency, holdsWriters: treated.length > 0 },
			...(size === undefined ? {} : { contentBytes: size.contentBytes }),
		},
		context.archives,
	);
	const facts: StackFacts = {
		...{ resource, command, archive: context.archives.archiveOf(command), startedAtMs, stack, treated },
		...{ writers: describeWriters(users, treated), policy, copies, asked },
		notes: policy.consistency === "snapshot" ? [noteNoSnapshot("of a whole stack none is made", policy)] : [],
		images: params.images === undefined ? "homeless" : params.images ? "all" : "none",
		prediction: predictedDowntimeMs === undefined ? {} : { predictedDowntimeMs },
	};
	return { facts, consistency, freeBytes, ...(size === undefined ? {} : { size }) };
}

/** What a backup of a stack would do, and what it needs. */
type StackSurvey = Pick<BackupSurvey, "consistency" | "size"> & {
	readonly facts: StackFacts;
	readonly freeBytes: number;
};

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

/** Of all parts together; undefined where one is read over the archive API: how much that will give cannot be known before. */
async function measure(
	{ parts }: LocatedStack,
	{ context, signal }: Surveying,
): Promise<StackSurvey["size"]> {
	let [entries, contentBytes] = [0, 0];
	for (const part of parts) {
		if (part.dataPath === "archive-api") return undefined;
		const job = { kind: "measure", root: part.place.folder } as const;
		const size = await reachOf(part, context).do(job, { signal });
		entries += size.entries;
		contentBytes += size.contentBytes;
	}
	return { entries, contentBytes };
}

function checkSpace(
	{ project }: LocatedStack,
	space: { readonly needBytes: number; readonly freeBytes: number },
	{ context: { config }, object }: Surveying,
): void {
	const lack = lackOfSpace({
		...{ what: `the archive of stack ${project}`, path: config.archivesPath },
		...{ ...space, reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) object(lack);
}
