import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { commandLabel } from "../docker/command-label.ts";
import { requireEngine } from "../docker/require-engine.ts";
import type { OperationContext, Step } from "../operation.ts";
import { findUsersOf, surveyNow } from "../resource/find-users.ts";
import { planForSwap } from "../resource/plan-treatment.ts";
import { reachOf } from "../resource/reach-place.ts";
import { awaitHealth } from "./await-health.ts";
import { findStacks } from "./find-stacks.ts";
import { imagesTar } from "./pack-images.ts";
import { imagesFolder } from "./part-facts.ts";
import { runCompose } from "./run-compose.ts";
import { incomingFiles, type StackSwap } from "./swap-facts.ts";

const undoMs = 10 * 60_000;
const up = ["up", "--detach", "--no-build", "--pull", "never"] as const;

/** Gets the images that the engine lacks: out of the archive, or by their digest from their registry. */
export function imagesStep(facts: StackSwap, context: OperationContext): Step {
	const { images, loadsImages, archive, resource, command } = facts;
	const unpacked = `${incomingFiles(context.config, command)}-images`;
	return {
		name: "images",
		intent: { images: images.map(({ name }) => name), loadsImages },
		async run(signal) {
			const engine = await requireEngine(context, signal);
			if (loadsImages) {
				await rm(unpacked, { recursive: true, force: true });
				const { folder } = await context.archives.find(archive);
				const reach = reachOf(
					{ place: { resource, folder: unpacked, exists: true }, dataPath: "host-path" },
					context,
				);
				await reach.do({ kind: "unpack", archive: join(folder, imagesFolder), target: unpacked }, { signal });
				await engine.loadImages(createReadStream(join(unpacked, imagesTar)), signal);
				await rm(unpacked, { recursive: true });
			}
			for (const { name, digests } of images) {
				if ((await engine.image(name, signal)) !== undefined) continue;
				const [digest = name] = digests;
				await engine.pullImage(digest, signal);
				const found = await engine.image(digest, signal);
				if (found !== undefined && !name.includes("@"))
					await engine.tagImage(found.id, withTag(name), signal);
			}
			return undefined;
		},
		probe: async () => "absent",
		async undo() {
			await rm(unpacked, { recursive: true, force: true });
			const signal = AbortSignal.timeout(undoMs);
			const engine = await requireEngine(context, signal);
			for (const { name } of images) await engine.removeImage(name, signal);
		},
	};
}

/** Makes the networks that are gone, with the addresses they had. */
export function networksStep({ networks }: StackSwap, context: OperationContext): Step {
	const { command } = context;
	const ours = async (signal: AbortSignal) =>
		(await (await requireEngine(context, signal)).networks(signal)).filter(
			({ labels }) => labels[commandLabel] === command,
		);
	return {
		name: "networks",
		intent: { networks: networks.map(({ name }) => name) },
		async run(signal) {
			const engine = await requireEngine(context, signal);
			const made = await ours(signal);
			for (const network of networks) {
				if (made.some(({ name }) => name === network.name)) continue;
				const { [commandLabel]: _earlier, ...labels } = network.labels;
				await engine.createNetwork({ ...network, labels }, command, signal);
			}
			return undefined;
		},
		probe: async () =>
			(await ours(AbortSignal.timeout(undoMs))).length === networks.length ? "complete" : "partial",
		async undo() {
			const signal = AbortSignal.timeout(undoMs);
			const engine = await requireEngine(context, signal);
			for (const { name } of await ours(signal)) await engine.removeNetwork(name, signal);
		},
	};
}

/** Does nothing; once everything else was undone, it brings back containers that Compose had replaced. */
export function reviveStep(facts: StackSwap, context: OperationContext): Step {
	const { containers, project, wasUp } = facts;
	return {
		name: "revive",
		intent: { containers },
		run: async () => undefined,
		probe: async () => "complete",
		async undo() {
			if (!wasUp || containers.length === 0) return;
			const signal = AbortSignal.timeout(undoMs);
			const engine = await requireEngine(context, signal);
			for (const id of containers) {
				if ((await engine.container(id, signal)) !== undefined) continue;
				await runCompose(up, { project, config: context.config, signal });
				return;
			}
		},
	};
}

/** Has Compose make and start what the files say; without files the containers go. */
export function upStep(facts: StackSwap, context: OperationContext): Step {
	const { project, containers, goesUp } = facts;
	const removeNew = async (known: readonly string[]) => {
		const signal = AbortSignal.timeout(undoMs);
		const engine = await requireEngine(context, signal);
		const stack = findStacks(await engine.containers(signal)).find(
			(found) => found.project === project.project,
		);
		for (const { id } of stack?.containers ?? [])
			if (!known.includes(id)) await engine.removeContainer(id, signal);
	};
	return {
		name: "up",
		intent: { project: project.project, goesUp },
		async run(signal) {
			if (goesUp) await runCompose(up, { project, config: context.config, signal });
			else await removeNew([]);
			return undefined;
		},
		probe: async () => "partial",
		async undo() {
			await removeNew(containers);
			await stopStarted(facts, context);
		},
	};
}

/**
 * Compose starts a container as it is where nothing about it changed: it would go on with the new data when the old comes back. The
 * undo of `quiesce` starts again what ran before.
 */
async function stopStarted(
	{ parts, containers, treated }: StackSwap,
	context: OperationContext,
): Promise<void> {
	const signal = AbortSignal.timeout(undoMs);
	const engine = await requireEngine(context, signal);
	const ours = new Set([...containers, ...treated.map(({ id }) => id)]);
	const places = parts.map(({ place }) => place);
	const users = findUsersOf(places, await surveyNow(engine, signal)).filter(({ id }) => ours.has(id));
	for (const { id, graceSeconds } of await planForSwap(users, { engine, signal }))
		await engine.stop(id, graceSeconds, signal);
}

/** Until every container that has a check passes it, and every other one stays up. */
export function healthStep(facts: StackSwap, context: OperationContext): Step {
	const { project, goesUp } = facts;
	return {
		name: "health",
		intent: { project: project.project },
		commits: true,
		async run(signal) {
			if (goesUp) await awaitHealth(project.project, context, signal);
			return { atMs: context.now() };
		},
		probe: async () => "absent",
		undo: async () => undefined,
	};
}

function withTag(name: string): string {
	return name.slice(name.lastIndexOf("/") + 1).includes(":") ? name : `${name}:latest`;
}
