import type { AnswerContext, Call } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { type Page, tokenPlaceholder } from "./page.ts";
import { renderDocument } from "./pages/layout.ts";
import { sendText } from "./send.ts";

interface Sent {
	readonly exchange: Pick<Exchange, "root" | "formToken" | "door">;
	readonly page: Page;
	readonly status: number;
	readonly isOutside?: boolean;
	readonly goesOn?: boolean;
}

/** Sends a page with the token of whoever looks put into its forms. */
export function sendPage(
	call: Call,
	{ exchange, page, status, ...shell }: Sent,
	{ assets, now }: AnswerContext,
): Promise<void> {
	const { root, formToken } = exchange;
	const query = new URLSearchParams();
	const live =
		page.view === null
			? undefined
			: liveAddress({ root, view: page.view ?? call.request.url ?? "/" }, assets.build);
	const text = renderDocument(page, { root, query, now: now() }, { ...shell, assets, live });
	return sendText(call, {
		status,
		type: "text/html; charset=utf-8",
		text: text.replaceAll(tokenPlaceholder, formToken),
	});
}

function liveAddress({ root, view }: { root: string; view: string }, build: string): string {
	return `${root}live?${new URLSearchParams({ view, build }).toString()}`;
}
