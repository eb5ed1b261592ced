import { h, render } from "preact";
import { act } from "preact/test-utils";
import { expect, test, vi } from "vitest";
import { ApiError } from "../api/client";
import { type Action, useAction } from "./action";
import { messages } from "./announce";

test("what failed is told once, and not any more when it succeeds", async () => {
  const call = vi.fn<() => Promise<void>>();
  let action: Action<[]> | null = null;
  const Part = () => ((action = useAction(call)), null);
  act(() => render(h(Part, {}), document.createElement("div")));
  const go = () => act(async () => void (await action!.go()));
  const told = () => messages.value.map(({ text }) => text);

  call.mockRejectedValueOnce(new ApiError("cannot be reached"));
  await go();
  expect(told()).toEqual(["cannot be reached"]);
  call.mockRejectedValueOnce(new ApiError("is running already", 409));
  await go();
  expect(told()).toEqual(["is running already"]);
  call.mockResolvedValueOnce();
  await go();
  expect(told()).toEqual([]);
});
