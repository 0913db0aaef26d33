using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

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

    public ConductorInstruments(IMeterFactory? factory, ILogger logger)
    {
        var options = new MeterOptions(ConductorTelemetry.MeterName)
        {
            Version = ConductorTelemetry.Version,
            TelemetrySchemaUrl = ConductorTelemetry.SchemaUrl,
        };
#pragma warning disable CA2000 // The meter lives as long as its factory, or as the process.
        Meter = factory?.Create(options) ?? new Meter(options);
#pragma warning restore CA2000
        WorkflowDuration = Histogram("gen_ai.workflow.duration", "s", "Duration of a workflow run.", _longRunning);
        InvokeAgentDuration = Histogram("gen_ai.invoke_agent.duration", "s", "Duration of one attempt of an agent.", _longRunning);
        SentMessages = Counter("messaging.client.sent.messages", "{message}", "Messages published.");
        ConsumedMessages = Counter("messaging.client.consumed.messages", "{message}", "Messages handed to a handler.");
        ProcessDuration = Histogram("messaging.process.duration", "s", "Duration of a message handler.", _shortRunning);
        BusQueueWaitTime = Histogram("conductor.bus.queue.wait_time", "s", "Time of a message in a subscription's queue.", _shortRunning);
        StateOperationDuration = Histogram("conductor.state.operation.duration", "s", "Duration of a store operation.", _shortRunning);
        DispatchWaitTime = Histogram("conductor.dispatch.wait_time", "s", "Time of a task until it had an agent.", _shortRunning);
        DroppedMessages = Counter("conductor.bus.message.dropped", "{message}", "Messages not delivered, by reason.");
        DeadLetters = Counter("conductor.dead_letters", "{task}", "Tasks given up as dead letters.");
        RetryAttempts = Counter("conductor.retry.attempts", "{attempt}", "Decisions to try again after a failure.");
        PolicyEvaluations = Counter("conductor.policy.evaluations", "{evaluation}", "Policies evaluated, by policy and decision.");
        ActiveWorkflows = UpDownCounter("conductor.workflow.active", "{workflow}", "Runs in progress.");
        ActiveAgents = UpDownCounter("conductor.agent.active", "{agent}", "Agents registered.");
        CircuitBreakerStatus = UpDownCounter("conductor.circuit_breaker.status", "{breaker}", "Circuit breakers, by state.");
        Observable("conductor.bus.queue.message.count", "{message}", "Messages waiting in subscriptions.", _busQueue.Sum);
        Observable("conductor.dispatch.queue.task.count", "{task}", "Tasks waiting for an agent or for capacity.", _dispatchQueue.Sum);

        GuardedInstrument<long> Counter(string name, string unit, string description)
        {
            var counter = InstrumentMaker.Make(Meter, name, meter => meter.CreateCounter<long>(name, unit, description), logger);
            return new GuardedInstrument<long>(counter, counter.Add, logger);
        }

        GuardedInstrument<long> UpDownCounter(string name, string unit, string description)
        {
            var counter = InstrumentMaker.Make(Meter, name, meter => meter.CreateUpDownCounter<long>(name, unit, description), logger);
            return new GuardedInstrument<long>(counter, counter.Add, logger);
        }

        GuardedInstrument<double> Histogram(string name, string unit, string description, InstrumentAdvice<double> advice)
        {
            var histogram = InstrumentMaker.Make(
                Meter, name, meter => meter.CreateHistogram(name, unit, description, tags: null, advice), logger);
            return new GuardedInstrument<double>(histogram, histogram.Record, logger);
        }

        void Observable(string name, string unit, string description, Func<long> observe) =>
            InstrumentMaker.Make(Meter, name, meter => meter.CreateObservableUpDownCounter(name, observe, unit, description), logger);
    }

    public Meter Meter { get; }

    public GuardedInstrument<double> WorkflowDuration { get; }

    public GuardedInstrument<double> InvokeAgentDuration { get; }

    public GuardedInstrument<long> SentMessages { get; }

    public GuardedInstrument<long> ConsumedMessages { get; }

    public GuardedInstrument<double> ProcessDuration { get; }

    public GuardedInstrument<double> BusQueueWaitTime { get; }

    public GuardedInstrument<double> StateOperationDuration { get; }

    public GuardedInstrument<double> DispatchWaitTime { get; }

    public GuardedInstrument<long> DroppedMessages { get; }

    public GuardedInstrument<long> DeadLetters { get; }

    public GuardedInstrument<long> RetryAttempts { get; }

    public GuardedInstrument<long> PolicyEvaluations { get; }

    public GuardedInstrument<long> ActiveWorkflows { get; }

    public GuardedInstrument<long> ActiveAgents { get; }

    public GuardedInstrument<long> CircuitBreakerStatus { get; }

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
