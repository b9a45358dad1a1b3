import { dirname, join } from "node:path";
import {
	FolderPath,
	OperationError,
	parseResource,
	type ResourceId,
	resourceId,
	VolumeName,
} from "@davit/protocol";

/**
 * The resource that a restore under a new name makes: a volume beside a volume, a folder beside a folder or wherever its whole path
 * says.
 * @throws OperationError request-malformed
 */
export function newResource(resource: ResourceId, name: string): ResourceId {
	const parsed = parseResource(resource);
	if (parsed.kind === "volume") {
		const volume = VolumeName.safeParse(name);
		if (volume.success) return resourceId({ kind: "volume", volume: volume.data });
		throw unusable(
			name,
			"a volume",
			"a volume name starts with a letter or digit and has only letters, digits, _ . and -",
		);
	}
	if (parsed.kind !== "path") {
		throw new OperationError("unsupported", `${resource} cannot be restored under another name`);
	}
	const whole = name.startsWith("/") ? name : join(dirname(parsed.path), name);
	const isPlain = name.startsWith("/") || !/[/\p{Cc}]|^\.\.?$/u.test(name);
	const path = FolderPath.safeParse(whole);
	if (isPlain && path.success) return resourceId({ kind: "path", path: path.data });
	throw unusable(name, "a folder", "write a name without a slash, or an absolute path without ..");
}

function unusable(name: string, what: string, hint: string): OperationError {
	return new OperationError(
		"request-malformed",
		`${what} cannot be called ${JSON.stringify(name.slice(0, 100))}`,
		{
			hint,
		},
	);
}
