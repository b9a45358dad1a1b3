import { statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Artefact, type Manifest, OperationError } from "@davit/protocol";
import { readManifest } from "../archives/read-manifest.ts";
import { fileFailure } from "./file-failure.ts";
import type { FileContext, Opened, Sample, SampledContent } from "./job.ts";
import { isNamed, isSameFile, openArtefact, openFrames } from "./open-artefact.ts";
import { readEntries } from "./read-entries.ts";
import { contentFile, entriesFile } from "./write-content.ts";

interface Sampling extends FileContext, Opened {
	readonly sample: Sample;
}

/**
 * Reads the list of entries whole and some frames of the content, chosen by a seed. It finds damage in what it read, and proves
 * nothing of the rest.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new | archive-locked
 */
export async function sampleContent(sampling: Sampling): Promise<SampledContent> {
	const { archive } = sampling;
	try {
		const manifest = await readManifest(archive);
		const listedBytes = await readList(sampling, manifest);
		return await readFrames(sampling, manifest, listedBytes);
	} catch (error) {
		throw fileFailure(error, { doing: "reading an archive", path: archive });
	}
}

/** Every line of the list against the manifest; returns how many stored bytes that were. */
async function readList(sampling: Sampling, manifest: Manifest): Promise<number> {
	using lines = openArtefact(sampling, manifest, entriesFile);
	let count = 0;
	try {
		for await (const { skipped } of readEntries(lines)) {
			sampling.signal.throwIfAborted();
			if (skipped === undefined) count += 1;
		}
	} catch (error) {
		if (error instanceof OperationError || sampling.signal.aborted) throw error;
		throw damaged(sampling, error instanceof Error ? error.message : String(error), error);
	}
	const artefact = artefactOf(manifest, entriesFile, sampling);
	if (!isSameFile(lines.summary, artefact)) {
		throw damaged(sampling, `its ${artefact.path} is not the one that the manifest names`);
	}
	if (count !== manifest.entries) {
		throw damaged(sampling, `it lists ${count} entries and should list ${manifest.entries}`);
	}
	return lines.summary.bytes;
}

async function readFrames(
	sampling: Sampling,
	manifest: Manifest,
	listedBytes: number,
): Promise<SampledContent> {
	const { archive, sample, signal, onProgress } = sampling;
	const artefact = artefactOf(manifest, contentFile, sampling);
	using file = openFrames(sampling, manifest, contentFile);
	const { frames } = file;
	const contentBytes = frames.reduce((sum, frame) => sum + frame.contentBytes, 0);
	const isWhole = statSync(join(archive, artefact.path)).size === artefact.bytes;
	if (!isWhole || frames.length !== artefact.frames || contentBytes !== artefact.contentBytes) {
		throw damaged(sampling, `its ${artefact.path} is not as long as the manifest says`);
	}
	const chosen = chooseFrames(frames.length, sample);
	let [bytes, done] = [listedBytes, 0];
	for (const number of chosen) {
		signal.throwIfAborted();
		// Each frame ends in a sum of its content, which the decoder compares.
		done += (await file.content(number)).length;
		bytes += frames[number]?.storedBytes ?? 0;
		onProgress?.({ bytes: done, totalBytes: (contentBytes * chosen.length) / frames.length });
		await nextTurn();
	}
	return { entries: manifest.entries, bytes, frames: chosen.length, ofFrames: frames.length };
}

/** At least one of any; the same for the same seed, in the file's order. */
export function chooseFrames(count: number, { percent, seed }: Sample): readonly number[] {
	const wanted = Math.min(count, Math.max(1, Math.ceil((count * percent) / 100)));
	const numbers = Array.from({ length: count }, (_, number) => number);
	let state = seed >>> 0;
	for (let at = 0; at < wanted; at += 1) {
		state = nextState(state);
		const other = at + (state % (count - at));
		const [one = 0, two = 0] = [numbers[at], numbers[other]];
		numbers[at] = two;
		numbers[other] = one;
	}
	return numbers.slice(0, wanted).toSorted((left, right) => left - right);
}

/** Mulberry32: small, and the same everywhere. */
function nextState(state: number): number {
	const sum = (state + 0x6d2b79f5) >>> 0;
	let mixed = Math.imul(sum ^ (sum >>> 15), sum | 1);
	mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
	return (mixed ^ (mixed >>> 14)) >>> 0;
}

function artefactOf({ artefacts }: Manifest, name: string, sampling: Sampling): Artefact {
	const artefact = artefacts.find((one) => isNamed(one, name));
	if (artefact === undefined) throw damaged(sampling, `its manifest names no ${name}`);
	return artefact;
}

function damaged({ archive }: Sampling, why: string, cause?: unknown): OperationError {
	return new OperationError("archive-corrupt", `the archive in ${archive} is damaged: ${why}`, { cause });
}
