const EXAMPLE = `scripts:
  - name: hello
    command: echo "Hello from $CRONSCOPE_SCRIPT"
    every: 30s`;

/** What to do where there is no script yet. */
export function Empty() {
  const reload = new URL("-/reload", document.baseURI).href;
  return (
    <section class="empty">
      <h2>No scripts yet</h2>
      <p>
        Add one to <code>cronscope.yml</code>:
      </p>
      <pre>
        <code>{EXAMPLE}</code>
      </pre>
      <p>Then have the service read it again; the script appears here at once:</p>
      <pre>
        <code>curl -X POST {reload}</code>
      </pre>
    </section>
  );
}
