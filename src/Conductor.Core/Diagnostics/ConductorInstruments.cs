using System.Diagnostics.Metrics;

namespace Conductor.Diagnostics;

/// <summary>The instruments of one meter. Measuring costs next to nothing while nobody listens.</summary>
internal sealed class ConductorInstruments
{
    private static readonly InstrumentAdvice<double> _longRunning = new()
    {
        HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400],
    };

    private static readonly InstrumentAdvice<double> _shortRunning = new()
    {
        HistogramBucketBoundaries = [0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    };

    private readonly Observed _busQueue = new();
    private readonly Observed _dispatchQueue = new();

    public ConductorInstruments(IMeterFactory? factory)
    {
        var options = new MeterOptions(ConductorTelemetry.MeterName)
        {
            Version = ConductorTelemetry.Version,
            TelemetrySchemaUrl = ConductorTelemetry.SchemaUrl,
        };
#pragma warning disable CA2000 // The meter lives as long as its factory, or as the process.
        Meter = factory?.Create(options) ?? new Meter(options);
#pragma warning restore CA2000
        WorkflowDuration = Meter.CreateHistogram("gen_ai.workflow.duration", "s", "Duration of a workflow run.", tags: null, _longRunning);
        InvokeAgentDuration = Meter.CreateHistogram("gen_ai.invoke_agent.duration", "s", "Duration of one attempt of an agent.", tags: null, _longRunning);
        SentMessages = Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Messages published.");
        ConsumedMessages = Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Messages handed to a handler.");
        ProcessDuration = Meter.CreateHistogram("messaging.process.duration", "s", "Duration of a message handler.", tags: null, _shortRunning);
        BusQueueWaitTime = Meter.CreateHistogram("conductor.bus.queue.wait_time", "s", "Time of a message in a subscription's queue.", tags: null, _shortRunning);
        StateOperationDuration = Meter.CreateHistogram("conductor.state.operation.duration", "s", "Duration of a store operation.", tags: null, _shortRunning);
        DispatchWaitTime = Meter.CreateHistogram("conductor.dispatch.wait_time", "s", "Time of a task until it had an agent.", tags: null, _shortRunning);
        DroppedMessages = Meter.CreateCounter<long>("conductor.bus.message.dropped", "{message}", "Messages not delivered, by reason.");
        DeadLetters = Meter.CreateCounter<long>("conductor.dead_letters", "{task}", "Tasks given up as dead letters.");
        RetryAttempts = Meter.CreateCounter<long>("conductor.retry.attempts", "{attempt}", "Attempts made again after a failure.");
        PolicyEvaluations = Meter.CreateCounter<long>("conductor.policy.evaluations", "{evaluation}", "Policies evaluated, by policy and decision.");
        ActiveWorkflows = Meter.CreateUpDownCounter<long>("conductor.workflow.active", "{workflow}", "Runs in progress.");
        ActiveAgents = Meter.CreateUpDownCounter<long>("conductor.agent.active", "{agent}", "Agents registered.");
        CircuitBreakerStatus = Meter.CreateUpDownCounter<long>("conductor.circuit_breaker.status", "{breaker}", "Circuit breakers, by state.");
        Meter.CreateObservableUpDownCounter("conductor.bus.queue.message.count", _busQueue.Sum, "{message}", "Messages waiting in subscriptions.");
        Meter.CreateObservableUpDownCounter("conductor.dispatch.queue.task.count", _dispatchQueue.Sum, "{task}", "Tasks waiting for an agent.");
    }

    public Meter Meter { get; }

    public Histogram<double> WorkflowDuration { get; }

    public Histogram<double> InvokeAgentDuration { get; }

    public Counter<long> SentMessages { get; }

    public Counter<long> ConsumedMessages { get; }

    public Histogram<double> ProcessDuration { get; }

    public Histogram<double> BusQueueWaitTime { get; }

    public Histogram<double> StateOperationDuration { get; }

    public Histogram<double> DispatchWaitTime { get; }

    public Counter<long> DroppedMessages { get; }

    public Counter<long> DeadLetters { get; }

    public Counter<long> RetryAttempts { get; }

    public Counter<long> PolicyEvaluations { get; }

    public UpDownCounter<long> ActiveWorkflows { get; }

    public UpDownCounter<long> ActiveAgents { get; }

    public UpDownCounter<long> CircuitBreakerStatus { get; }

    /// <summary>Counts a bus's waiting messages until the returned handle is disposed.</summary>
    public IDisposable ObserveBusQueue(Func<long> count) => _busQueue.Add(count);

    /// <summary>Counts a coordinator's waiting tasks until the returned handle is disposed.</summary>
    public IDisposable ObserveDispatchQueue(Func<long> count) => _dispatchQueue.Add(count);

    /// <summary>Sums what several components of one process count, without keeping them alive once they are done.</summary>
    private sealed class Observed
    {
        private readonly Lock _gate = new();
        private readonly List<Entry> _entries = [];

        public IDisposable Add(Func<long> count)
        {
            var entry = new Entry(this, count);
            lock (_gate)
            {
                _entries.Add(entry);
            }

            return entry;
        }

        public long Sum()
        {
            lock (_gate)
            {
                return _entries.Sum(static entry => entry.Count());
            }
        }

        private sealed class Entry(Observed owner, Func<long> count) : IDisposable
        {
            public Func<long> Count { get; } = count;

            public void Dispose()
            {
                lock (owner._gate)
                {
                    owner._entries.Remove(this);
                }
            }
        }
    }
}
