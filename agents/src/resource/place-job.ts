import type { StepPresence } from "../operation.ts";
import { lookAt, type Sight } from "./look-at-place.ts";
import {
	bringForward,
	presenceOfPutInPlace,
	presenceOfSetAside,
	putInPlace,
	removeAfterRename,
	removeFolder,
	type Swap,
	setAside,
	takeBack,
} from "./swap-folders.ts";

/** What is asked of the folders around a resource's data, as JSON: done by the agent itself, or inside a helper container. */
export type PlaceJob =
	| {
			readonly kind: "look";
			readonly folder: string;
			/** Must be a folder in which may be written, or `isArchivable` says no. */
			readonly archives?: string;
	  }
	| { readonly kind: "set-aside"; readonly swap: Swap }
	| { readonly kind: "bring-forward"; readonly swap: Swap }
	| { readonly kind: "put-in-place"; readonly swap: Swap }
	| { readonly kind: "take-back"; readonly swap: Swap }
	| { readonly kind: "is-set-aside"; readonly swap: Swap }
	| { readonly kind: "is-in-place"; readonly swap: Swap }
	| { readonly kind: "remove"; readonly folder: string }
	| { readonly kind: "remove-kept"; readonly folder: string; readonly going: string };

export interface PlaceResults {
	look: Sight;
	"set-aside": null;
	"bring-forward": null;
	"put-in-place": null;
	"take-back": null;
	"is-set-aside": StepPresence;
	"is-in-place": StepPresence;
	remove: null;
	"remove-kept": null;
}

export async function performPlaceJob(job: PlaceJob): Promise<PlaceResults[PlaceJob["kind"]]> {
	switch (job.kind) {
		case "look":
			return lookAt(job.folder, job.archives);
		case "is-set-aside":
			return presenceOfSetAside(job.swap);
		case "is-in-place":
			return presenceOfPutInPlace(job.swap);
		case "set-aside":
			await setAside(job.swap);
			return null;
		case "bring-forward":
			await bringForward(job.swap);
			return null;
		case "put-in-place":
			await putInPlace(job.swap);
			return null;
		case "take-back":
			await takeBack(job.swap);
			return null;
		case "remove":
			await removeFolder(job.folder);
			return null;
		case "remove-kept":
			await removeAfterRename(job);
			return null;
		default:
			return job satisfies never;
	}
}
