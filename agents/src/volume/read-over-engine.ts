import { type CommandId, OperationError, type VolumeName } from "@davit/protocol";
import type { Engine } from "../docker/engine.ts";
import { removeContainersOf } from "../docker/remove-containers.ts";

const target = "/volume";

/**
 * The tar of a volume through a container that is made for it and never started, from an image without a file. The stream
 * throws where the engine goes away; whether the tar is whole its reader must see.
 */
export async function openVolumeTar(
	volume: VolumeName,
	{
		engine,
		command,
		signal,
	}: { readonly engine: Engine; readonly command: CommandId; readonly signal: AbortSignal },
): Promise<AsyncIterable<Uint8Array>> {
	const image = imageOf(command);
	await engine.importEmptyImage(image, command, signal);
	const id = await engine.createContainer(
		{
			...{ image, command, argv: ["never-started"] },
			mounts: [{ type: "volume", source: volume, target, writes: false }],
		},
		signal,
	);
	return translateFailures(await engine.readTar(id, target, signal), { volume, signal });
}

/** Removes the container and the image of a command, also those of an earlier life; harmless where there are none. */
export async function removeReader(engine: Engine, command: CommandId, signal: AbortSignal): Promise<void> {
	await removeContainersOf(command, engine, signal);
	await engine.removeImage(imageOf(command), signal);
}

function imageOf(command: CommandId): string {
	return `davit-reader:${command}`;
}

async function* translateFailures(
	stream: AsyncIterable<Uint8Array>,
	{ volume, signal }: { readonly volume: VolumeName; readonly signal: AbortSignal },
): AsyncIterable<Uint8Array> {
	try {
		yield* stream;
	} catch (cause) {
		signal.throwIfAborted();
		throw new OperationError(
			"docker-unreachable",
			`could not read volume ${volume} to its end: the engine broke off`,
			{
				cause,
				hint: "sudo systemctl start docker",
			},
		);
	}
}
