// Stands in for the browser's WebSocket: sends what the service would, at a rate that the page is to bear.
// `__HELLO__` and `__SNAPSHOT__` are replaced by the frames of the real encoder.
(() => {
  const hello = __HELLO__;
  const snapshot = __SNAPSHOT__;
  const names = snapshot.data.scripts.map((script) => script.name);
  const instant = (at) => new Date(at).toISOString();
  let seq = hello.data.seq;
  let events = 0;

  /** A start, or the end of the start before. */
  function event(at) {
    const run = events >> 1;
    const ended = events % 2 === 1;
    const failed = ended && run % 10 === 0;
    events += 1;
    seq += 1;
    return JSON.stringify({
      type: "script_status", timestamp: instant(at), seq,
      data: {
        script_name: names[run % names.length], status: ended ? (failed ? "failed" : "completed") : "running",
        exit_code: ended ? (failed ? 3 : 0) : null, duration: ended ? 1000 + (run % 700) : 0,
        run_id: `RUN${String(run).padStart(23, "0")}`, trigger: "schedule", reason: failed ? "exit_code" : null,
        started_at: instant(at), ended_at: ended ? instant(at) : null, cpu_seconds: ended ? 0.1 : null,
        max_rss_bytes: null, next_run_at: instant(at + 60000),
      },
    });
  }

  function sample(at) {
    const data = { ...snapshot.data.system_metrics, cpu_percent: (at / 100) % 100 };
    return JSON.stringify({ type: "system_metrics", timestamp: instant(at), data });
  }

  class Feed {
    constructor() {
      window.feed = this;
      setTimeout(() => {
        hello.data.now = instant(Date.now());
        this.say(JSON.stringify(hello));
        this.say(JSON.stringify(snapshot));
      });
    }

    say(data) {
      this.onmessage?.({ data });
    }

    send() {}

    close() {}

    /** Frames a second for so many milliseconds, and how many of them the page painted each second. */
    async play(perSecond, milliseconds) {
      const begun = performance.now();
      let sent = 0;
      let painted = 0;
      let longest = 0;
      let last = begun;
      await new Promise((resolve) => {
        const timer = setInterval(() => {
          const due = ((performance.now() - begun) / 1000) * perSecond;
          for (; sent < due; sent += 1) this.say(event(Date.now()));
          if (sent % (2 * perSecond) < 2) this.say(sample(Date.now()));
        }, 10);
        const paint = (now) => {
          painted += 1;
          longest = Math.max(longest, now - last);
          last = now;
          if (now - begun < milliseconds) requestAnimationFrame(paint);
          else resolve(clearInterval(timer));
        };
        requestAnimationFrame(paint);
      });
      return { perSecond: (painted / (performance.now() - begun)) * 1000, longest, sent };
    }

    /** As many events as `seconds` at `perSecond` would bring, as fast as the page takes them. */
    async rush(perSecond, seconds) {
      const from = Date.now();
      for (let second = 0; second < seconds; second += 1) {
        for (let n = 0; n < perSecond; n += 1) this.say(event(from + second * 1000));
        if (second % 2 === 0) this.say(sample(from + second * 1000));
        if (second % 10 === 0) await new Promise(requestAnimationFrame);
      }
    }
  }
  window.WebSocket = Feed;
})();
