using System.Diagnostics.Metrics;
using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Tests.Testing;

public sealed class DelegatingStateManagerTests
{
    [Fact]
    public async Task Operation_BothStoresHaveTheSameEnvironment_IsMeasuredOnce()
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        using var durations = new MetricCollector<double>(meters, ConductorTelemetry.MeterName, "conductor.state.operation.duration");
        var environment = new ConductorEnvironment(new VirtualTimeProvider(), meterFactory: meters);
        await using var store = new Store(new InMemoryStateManager(environment), environment);
        await store.ConnectAsync();

        await store.GetTaskResultAsync("t");

        durations.GetMeasurementSnapshot().Should().ContainSingle();
    }

    [Fact]
    public async Task Environment_WithoutMeters_KeepsTheClockAndTheLoggers()
    {
        var logs = new FakeLogCollector();
        var environment = new ConductorEnvironment(new VirtualTimeProvider(), new FakeLoggerFactory(logs));
        await using var store = new Store(new InMemoryStateManager(), environment);

        await store.ConnectAsync();

        store.Clock.Should().BeSameAs(environment.TimeProvider);
        logs.GetSnapshot().Should().Contain(static record => record.Category!.Contains(nameof(Store)));
    }

    private sealed class Store(StateManager inner, ConductorEnvironment environment) : DelegatingStateManager(inner, environment)
    {
        public TimeProvider Clock => Environment.TimeProvider;
    }
}
