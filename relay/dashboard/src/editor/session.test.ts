import { expect, test, vi } from "vitest";
import { ApiError } from "../api/client";
import type { Finding, Revision } from "../api/files";
import type { Drafts } from "../drafts";
import { type Draft, Session } from "./session";
import type { Source } from "./source";

/** A file on a disk that others write to as well; `away`: the service does not answer. */
class Disk implements Source {
  readonly address = "file";
  readonly name = "file.sh";
  takesErrors = true;
  away = false;
  /** A write is done, but its answer is lost. */
  losesAnswer = false;
  findings: Finding[] = [];
  reads = 0;

  constructor(public content: string | null) {}

  async etag(): Promise<string | null> {
    this.#answer();
    return this.content === null ? null : `"${this.content}"`;
  }

  async read(): Promise<Revision> {
    this.reads += 1;
    return { text: this.content ?? "", etag: await this.etag() };
  }

  async write(text: string, etag: string | null): Promise<{ etag: string }> {
    if ((await this.etag()) !== etag) throw new ApiError("changed", 412);
    if (!this.takesErrors && this.findings.length) throw new ApiError("faulty", 422, [{ line: 3, message: "cron" }]);
    this.content = text;
    if (this.losesAnswer) throw new ApiError("away");
    return { etag: `"${text}"` };
  }

  async check(): Promise<Finding[]> {
    this.#answer();
    return this.findings;
  }

  #answer(): void {
    if (this.away) throw new ApiError("away");
  }
}

class Kept implements Drafts<Draft> {
  draft: Draft | null = null;
  resumes = false;
  get = async () => this.draft && { draft: this.draft, resumes: this.resumes };
  set = (draft: Draft | null) => (this.draft = draft);
  isKept = () => true;
}

const ERROR: Finding = { line: 2, column: 1, severity: "error", message: "unexpected" };

async function opened(content: string | null, drafts = new Kept()) {
  const disk = new Disk(content);
  const session = new Session(disk, drafts);
  session.keepDrafts();
  await session.open();
  return { disk, session, drafts };
}

test("a text is saved over what it grew from", async () => {
  const { disk, session } = await opened("one");
  expect([session.text.value, session.dirty.value]).toEqual(["one", false]);
  session.text.value = "two";
  expect(session.dirty.value).toBe(true);
  expect(await session.save()).toBe("saved");
  expect([disk.content, session.dirty.value]).toEqual(["two", false]);
  session.text.value = "three";
  expect(await session.save()).toBe("saved");
  expect(disk.content).toBe("three");
});

test("what is typed while a save is under way is unsaved", async () => {
  const { session } = await opened("one");
  session.text.value = "two";
  const saved = session.save();
  session.text.value = "three";
  expect(await saved).toBe("saved");
  expect([session.text.value, session.dirty.value]).toEqual(["three", true]);
});

test("a file that is not there yet is made by saving", async () => {
  const { disk, session } = await opened(null);
  expect(session.base.value?.etag).toBeNull();
  session.text.value = "new";
  expect(await session.save()).toBe("saved");
  expect(disk.content).toBe("new");
});

test("a text with errors is saved if the reader insists", async () => {
  const { disk, session } = await opened("one");
  disk.findings = [{ ...ERROR, severity: "warning" }, ERROR];
  session.text.value = "two";
  expect(await session.save()).toBe("faulty");
  expect([disk.content, session.errors.value]).toEqual(["one", 1]);
  expect(await session.save({ errors: true })).toBe("saved");
  expect(disk.content).toBe("two");
});

test("faults that the service refuses a text for are marked", async () => {
  const { disk, session } = await opened("one");
  disk.takesErrors = false;
  disk.findings = [ERROR];
  session.text.value = "two";
  expect(await session.save()).toBe("faulty");
  expect(session.findings.value).toEqual([{ line: 3, column: 1, severity: "error", message: "cron" }]);
  expect([disk.content, session.text.value, session.refused.value, session.problem.value]).toEqual(["one", "two", true, null]);
  disk.findings = [];
  await session.save();
  expect(session.refused.value).toBe(false);
});

test("what others saved meanwhile is compared before it is replaced", async () => {
  const { disk, session } = await opened("one");
  session.text.value = "mine";
  disk.content = "theirs";
  expect(await session.save()).toBe("conflict");
  expect([disk.content, session.text.value, session.theirs.value?.text]).toEqual(["theirs", "mine", "theirs"]);
  expect(session.comparing.value).toBe(true);
  expect(await session.save()).toBe("undecided");
  expect(await session.save({ errors: true })).toBe("undecided");
  expect(disk.content).toBe("theirs");
  session.text.value = "merged";
  expect(await session.save({ over: session.theirs.value! })).toBe("saved");
  expect([disk.content, session.comparing.value, session.dirty.value]).toEqual(["merged", false, false]);
});

test("who goes back without having decided is asked again", async () => {
  const { disk, session } = await opened("one");
  session.text.value = "mine";
  disk.content = "theirs";
  await session.save();
  session.comparing.value = false;
  expect(await session.save()).toBe("conflict");
  expect(disk.content).toBe("theirs");
});

test("what changes again while it is compared is compared again", async () => {
  const { disk, session } = await opened("one");
  session.text.value = "mine";
  disk.content = "theirs";
  await session.save();
  disk.content = "theirs 2";
  const seen = session.theirs.value!;
  expect(await session.save({ over: seen })).toBe("conflict");
  expect(await session.save({ over: seen, errors: true })).toBe("undecided");
  expect(disk.content).toBe("theirs 2");
  expect([session.theirs.value?.text, session.text.value]).toEqual(["theirs 2", "mine"]);
});

test("theirs can be taken", async () => {
  const { disk, session } = await opened("one");
  session.text.value = "mine";
  disk.content = "theirs";
  await session.save();
  session.takeTheirs();
  expect([session.text.value, session.dirty.value, session.comparing.value]).toEqual(["theirs", false, false]);
});

test("an answer that was lost is no conflict", async () => {
  const { disk, session } = await opened("one");
  session.text.value = "two";
  disk.losesAnswer = true;
  expect(await session.save()).toBe("failed");
  expect([session.text.value, session.dirty.value, session.problem.value]).toEqual(["two", true, "away"]);
  expect(await session.save()).toBe("saved");
  expect([session.dirty.value, session.problem.value]).toEqual([false, null]);
});

test("while the service is away the text stays", async () => {
  const { disk, session } = await opened("one");
  session.text.value = "two";
  disk.away = true;
  expect(await session.save()).toBe("failed");
  expect([session.text.value, session.dirty.value, session.problem.value]).toEqual(["two", true, "away"]);
  await session.look();
  await session.check();
  disk.away = false;
  expect(await session.save()).toBe("saved");
});

test("when the service is back it is asked for what it could not be, and a save that did not reach it can be tried again", async () => {
  const disk = new Disk("one");
  disk.away = true;
  const session = new Session(disk, new Kept());
  await session.open();
  expect(session.problem.value).toBe("away");
  disk.away = false;
  session.reconnected();
  await vi.waitFor(() => expect([session.text.value, session.problem.value]).toEqual(["one", null]));

  session.text.value = "two";
  disk.away = true;
  await session.save();
  disk.away = false;
  session.reconnected();
  expect([session.problem.value, session.isBack.value]).toEqual([null, true]);
  expect(await session.save()).toBe("saved");
  session.reconnected();
  expect(session.isBack.value).toBe(false);
});

test("what the service refused is refused though the connection was lost since", async () => {
  const { disk, session } = await opened("one");
  disk.takesErrors = false;
  disk.findings = [ERROR];
  session.text.value = "two";
  await session.save();
  session.reconnected();
  expect([session.refused.value, session.isBack.value]).toEqual([true, false]);
});

test("a change on disk is taken where nothing is unsaved", async () => {
  const { disk, session } = await opened("one");
  disk.content = "two";
  await session.look();
  expect([session.text.value, session.dirty.value, session.theirs.value]).toEqual(["two", false, null]);
  await session.look();
  expect(disk.reads).toBe(2);
});

test("a change on disk is told where something is unsaved, until it is undone", async () => {
  const { disk, session } = await opened("one");
  session.text.value = "mine";
  disk.content = "theirs";
  await session.look();
  expect([session.text.value, session.theirs.value?.text, session.comparing.value]).toEqual(["mine", "theirs", false]);
  disk.content = "one";
  await session.look();
  expect([session.text.value, session.theirs.value]).toEqual(["mine", null]);
});

test("a change on disk to the very text that is unsaved here is none", async () => {
  const { disk, session } = await opened("one");
  session.text.value = disk.content = "two";
  await session.look();
  expect([session.dirty.value, session.theirs.value]).toEqual([false, null]);
});

test("the text of a file that was deleted stays, and can be saved", async () => {
  const { disk, session } = await opened("one");
  disk.content = null;
  await session.look();
  expect([session.text.value, session.dirty.value, session.base.value?.etag]).toEqual(["one", true, null]);
  expect(await session.save()).toBe("saved");
  expect(disk.content).toBe("one");
});

test("what was seen before a save is no news after it", async () => {
  const { session, disk } = await opened("one");
  const slow = disk.etag.bind(disk);
  let release = () => {};
  disk.etag = async () => {
    const etag = await slow();
    await new Promise<void>((resolve) => (release = resolve));
    return etag;
  };
  disk.content = "theirs";
  const looked = session.look();
  await Promise.resolve();
  disk.etag = slow;
  disk.content = "one";
  session.text.value = "two";
  await session.save();
  release();
  await looked;
  expect([session.text.value, session.theirs.value, session.dirty.value]).toEqual(["two", null, false]);
});

test("what was left unsaved is offered, and taken up where it was left", async () => {
  const { session, drafts } = await opened("one");
  session.text.value = "mine";
  expect(drafts.draft?.text).toBe("mine");

  const again = await opened("one", drafts);
  expect([again.session.text.value, again.session.left.value?.text]).toEqual(["one", "mine"]);
  again.session.takeUpDraft();
  expect([again.session.text.value, again.session.dirty.value, again.session.theirs.value]).toEqual(["mine", true, null]);
  expect(await again.session.save()).toBe("saved");
  expect(drafts.draft).toBeNull();
});

test("what was being typed when the reader had to sign in is there again at once", async () => {
  const { session, drafts } = await opened("one");
  session.text.value = "mine";
  drafts.resumes = true;
  const again = await opened("one", drafts);
  expect([again.session.text.value, again.session.left.value, again.session.isKept]).toEqual(["mine", null, true]);
});

test("a text that is being read is not read again as the connection is back", async () => {
  const disk = new Disk("one");
  const read = vi.spyOn(disk, "read");
  const session = new Session(disk, new Kept());
  const opening = session.open();
  session.reconnected();
  await opening;
  expect([read.mock.calls.length, session.text.value]).toEqual([1, "one"]);
});

test("what is typed beside what was left unsaved is not kept", async () => {
  const { session, drafts } = await opened("one");
  session.text.value = "mine";
  const again = await opened("one", drafts);
  again.session.text.value = "another";
  expect([again.session.isKept, drafts.draft?.text]).toEqual([false, "mine"]);
});

test("what was left unsaved is compared with what others made of the file since", async () => {
  const { session, drafts } = await opened("one");
  session.text.value = "mine";
  const again = await opened("theirs", drafts);
  again.session.takeUpDraft();
  expect([again.session.text.value, again.session.theirs.value?.text]).toEqual(["mine", "theirs"]);
  again.session.takeTheirs();
  expect(drafts.draft).toBeNull();
});

test("what was typed where the file was taken away is there again at once, with a word about it", async () => {
  const { session, drafts } = await opened("one");
  session.text.value = "mine";
  drafts.draft = { ...drafts.draft!, script: "job" };
  const again = await opened("one", drafts);
  expect([again.session.text.value, again.session.left.value, again.session.uprooted.value]).toEqual(["mine", null, "job"]);
  expect(drafts.draft?.script).toBeUndefined();
  await again.session.save();
  expect(again.session.uprooted.value).toBeNull();
});

test("what was left unsaved can be forgotten", async () => {
  const { session, drafts } = await opened("one");
  session.text.value = "mine";
  const again = await opened("one", drafts);
  again.session.forgetDraft();
  expect([drafts.draft, again.session.text.value]).toEqual([null, "one"]);
});
