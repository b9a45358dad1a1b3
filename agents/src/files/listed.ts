import type { TreeEntry } from "./tree-entry.ts";

/** One of a tree's entries; what is kept of the present tree is what it is there, and its content is not asked for. */
export type Listed = TreeEntry & { readonly isKept?: boolean };
