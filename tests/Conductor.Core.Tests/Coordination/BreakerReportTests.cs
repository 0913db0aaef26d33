using System.Diagnostics.Metrics;
using Conductor.Errors;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

public sealed class BreakerReportTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    /// <summary>Whoever listens may block until another thread has what it asks the coordinator for, as a logger with a queue does.</summary>
    [Fact]
    public async Task DispatchTaskAsync_BreakerIsTried_IsToldOutsideAllLocks()
    {
        var meters = new OwnMeters();
        await using var rig = await Rig.StartAsync(new RigOptions { Retry = RetryPolicy.Default with { MaxRetries = 0 }, Meters = meters });
        var fails = true;
        await rig.AddAsync(_ => fails ? throw new TimeoutException() : TaskData.Empty);
        for (var failure = 0; failure < CircuitBreakerOptions.DefaultFailureThreshold; failure++)
        {
            await rig.DispatchAsync().WaitAsync(_limit);
        }

        fails = false;
        rig.Time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);
        var told = new List<(string Change, bool Others)>();
        using var listener = new MeterListener { InstrumentPublished = (made, own) => Listen(made, own, rig) };
        listener.SetMeasurementEventCallback<long>((_, change, tags, _) =>
            told.Add(($"{tags[0].Value} {change}", Task.Run(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding)).Wait(_limit))));
        listener.Start();

        (await rig.DispatchAsync().WaitAsync(_limit)).IsSuccess.Should().BeTrue();

        told.Should().Equal(("open -1", true), ("half_open 1", true));

        static void Listen(Instrument made, MeterListener own, Rig of)
        {
            if (made.Name == "conductor.circuit_breaker.status" && ReferenceEquals(made.Meter, of.Environment.Instruments.Meter))
            {
                own.EnableMeasurementEvents(made);
            }
        }
    }
}
