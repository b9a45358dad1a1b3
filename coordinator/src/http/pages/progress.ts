import type { Run } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import { formatBytes, formatSeconds } from "./format.ts";

/** `copy 61 % · 4.1 GB of 6.7 GB · 88 MB/s · 29 s left`, with a bar where the whole is known. */
export function progressOf({ progress, run }: Run): Html {
	if (progress === undefined) return html`<span class="muted">waiting for the host's first word</span>`;
	const { step, bytes, totalBytes, bytesPerSecond, waitingFor } = progress;
	if (waitingFor !== undefined) return html`${foreign(step)} waits: ${foreign(waitingFor)}`;
	const rate = bytesPerSecond === undefined ? undefined : html` · ${formatBytes(bytesPerSecond)}/s`;
	if (totalBytes === undefined || totalBytes === 0) {
		return html`${foreign(step)} · ${formatBytes(bytes)}${rate}`;
	}
	const percent = Math.min(100, Math.floor((bytes / totalBytes) * 100));
	const left = bytesPerSecond
		? html` · ${formatSeconds(Math.ceil(Math.max(0, totalBytes - bytes) / bytesPerSecond))} left`
		: undefined;
	return html`${foreign(step)} <progress max="100" value="${percent}" aria-label="Progress of ${run}">${percent} %</progress> ${percent} %
		· ${formatBytes(bytes)} of ${formatBytes(totalBytes)}${rate}${left}`;
}
