import { fileFailure } from "./file-failure.ts";
import type { FileContext, VerifiedContent } from "./job.ts";
import { ContentReader } from "./read-content.ts";

/**
 * Reads all of an archive's content and compares it with the manifest.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new
 */
export async function verifyContent({
	archive,
	...context
}: { archive: string } & FileContext): Promise<VerifiedContent> {
	try {
		using content = await ContentReader.open(archive, context);
		let entries = 0;
		for await (const _entry of content.entries()) entries += 1;
		return { entries, contentBytes: content.manifest.contentBytes, bytes: content.storedBytes };
	} catch (error) {
		throw fileFailure(error, { doing: "reading an archive", path: archive });
	}
}
