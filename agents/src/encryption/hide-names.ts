import type { PackedTree } from "../files/job.ts";

/** A backup's warnings as its manifest may show them: those of an encrypted archive name no file. */
export function hideNames({
	warnings,
	recipients,
}: Pick<PackedTree, "warnings" | "recipients">): readonly string[] {
	if (recipients === undefined || warnings.length === 0) return warnings;
	return [
		`${warnings.length} about files, whose names an encrypted archive does not show: see the backup's run`,
	];
}
