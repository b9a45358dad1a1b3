import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { instantOf, type StackContent } from "@davit/protocol";
import { requireEngine } from "../docker/require-engine.ts";
import { openKeyring } from "../encryption/keyring.ts";
import type { OperationContext, Step } from "../operation.ts";
import { verifyStep, withForced } from "../resource/archive-steps.ts";
import { packPlace } from "../resource/pack-place.ts";
import { reachOf } from "../resource/reach-place.ts";
import { watchDatabases } from "../resource/refuse-databases.ts";
import { showProgress } from "../resource/show-progress.ts";
import { writerStepsOfCopy } from "../resource/writer-steps.ts";
import { removeReader } from "../volume/read-over-engine.ts";
import { type Gathered, gatherProject, type StackImage } from "./gather-project.ts";
import { packImages } from "./pack-images.ts";
import {
	backupFactsOf,
	imagesFolder,
	lossesOf,
	partFactsOf,
	partFolder,
	type StackFacts,
} from "./part-facts.ts";
import { sealSecrets } from "./seal-secrets.ts";
import { type Building, sealStackStep } from "./seal-stack.ts";

/** Describe, quiesce, copy, resume, images, seal, verify: containers wait for their own data only. */
export function stackArchiveSteps(facts: StackFacts, context: OperationContext): readonly Step[] {
	const building: Building = { parts: [], outputs: new Map() };
	const places = facts.stack.parts.map(({ place }) => place);
	const [first, ...others] = places;
	const { treated, startedAtMs, policy } = facts;
	const watches = policy.consistency !== "live";
	const writers =
		first === undefined
			? { quiesce: [], resume: [] }
			: writerStepsOfCopy({ place: first, others, treated, startedAtMs, watches }, context);
	const steps = [
		describeStep(facts, context, building),
		...writers.quiesce,
		copyStep(facts, context, building),
		...writers.resume,
		...(facts.images === "none" ? [] : [imagesStep(facts, context, building)]),
		sealStackStep(facts, context, building),
		verifyStep(backupFactsOf(facts), context),
	];
	return steps.map((step) => ({
		...step,
		async run(signal) {
			const output = await step.run(signal);
			if (output !== undefined) building.outputs.set(step.name, output);
			return output;
		},
	}));
}

function describeStep(facts: StackFacts, context: OperationContext, building: Building): Step {
	const { resource, archive, stack, startedAtMs } = facts;
	const { archives } = context;
	return {
		name: "describe",
		intent: { archive, files: stack.configFiles },
		async run(signal) {
			const folder = await archives.begin(resource, archive, instantOf(startedAtMs));
			const project = join(folder, ".project");
			await mkdir(project, { mode: 0o700 });
			const gathered = await gatherProject(stack, context, { folder: project, signal });
			const job = { kind: "pack", root: project, directory: folder } as const;
			const place = { resource, folder: project, exists: true };
			const tree = await reachOf({ place, dataPath: "host-path" }, context).do(job, { signal });
			await rm(project, { recursive: true });
			const { secrets, warnings: secretWarnings } = await keepSecrets(gathered, context, folder);
			Object.assign(building, { folder, gathered, tree, secrets, secretWarnings });
			const warnings = [...gathered.warnings, ...lossesOf(gathered.leftOut), ...secretWarnings];
			return { entries: tree.entries, warnings: warnings.slice(0, 50) };
		},
		probe: () => archives.presence(resource, archive),
		undo: () => archives.discard(resource, archive),
	};
}

async function keepSecrets(
	{ secrets }: Gathered,
	{ config }: OperationContext,
	folder: string,
): Promise<{ readonly secrets: StackContent["secrets"]; readonly warnings: readonly string[] }> {
	if (secrets === undefined) return { secrets: null, warnings: [] };
	const holders = await openKeyring(config.home).holders();
	if (holders === undefined) {
		const warning =
			"secrets were left out: there is no key to encrypt them with (davit recovery-kit makes one)";
		return { secrets: null, warnings: [warning] };
	}
	const recipients = holders.map(({ recipient }) => recipient);
	return { secrets: await sealSecrets(secrets, { folder, recipients }), warnings: [] };
}

function copyStep(facts: StackFacts, context: OperationContext, building: Building): Step {
	const { archive, resource, stack } = facts;
	return {
		name: "copy",
		intent: { archive, parts: stack.parts.map(({ place }) => place.resource) },
		async run(signal) {
			const { folder = "" } = building;
			const warnings: string[] = [];
			let [entries, contentBytes] = [0, 0];
			const onProgress = showProgress("copy", context);
			for (const [index, located] of stack.parts.entries()) {
				const directory = join(folder, partFolder(located.place.resource));
				await mkdir(directory, { recursive: true, mode: 0o700 });
				const doneBytes = contentBytes;
				const databases = watchDatabases(partFactsOf(facts, index));
				const packed = await packPlace(located, context, {
					...{ directory, signal },
					...(databases === undefined ? {} : { onDatabase: databases.onDatabase }),
					onProgress: ({ bytes }) => onProgress({ bytes: doneBytes + bytes }),
				});
				const tree = withForced(packed, databases?.warnings ?? []);
				building.parts.push({ index, tree });
				entries += tree.entries;
				contentBytes += tree.contentBytes;
				warnings.push(...tree.warnings.map((warning) => `${located.place.resource}: ${warning}`));
			}
			return { entries, contentBytes, warnings: warnings.slice(0, 50) };
		},
		probe: () => context.archives.presence(resource, archive),
		async undo() {
			if (stack.parts.every(({ dataPath }) => dataPath === "host-path")) return;
			const signal = AbortSignal.timeout(60_000);
			await removeReader(await requireEngine(context, signal), context.command, signal);
		},
	};
}

/** After the containers are back: an image does not change. */
function imagesStep(facts: StackFacts, context: OperationContext, building: Building): Step {
	const { archive, resource, images: which } = facts;
	return {
		name: "images",
		intent: { archive, which },
		async run(signal) {
			const { folder = "", gathered } = building;
			const wanted = (gathered?.images ?? []).filter((image) => which === "all" || isHomeless(image));
			if (wanted.length === 0) return undefined;
			const directory = join(folder, imagesFolder);
			const tree = await packImages(wanted, context, { resource, directory, signal });
			building.images = { tree, names: wanted.map(({ name }) => name) };
			return { entries: tree.entries, contentBytes: tree.contentBytes, warnings: [] };
		},
		probe: () => context.archives.presence(resource, archive),
		undo: async () => undefined,
	};
}

/** Made on this machine: no registry can give it back. */
function isHomeless({ digests }: StackImage): boolean {
	return digests.length === 0;
}
