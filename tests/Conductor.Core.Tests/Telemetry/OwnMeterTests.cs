using System.Diagnostics.Metrics;
using Conductor.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.Telemetry;

/// <summary>The meter of a container without a meter factory.</summary>
public sealed class OwnMeterTests
{
    [Fact]
    public async Task Container_WithoutMeterFactory_TakesItsMeterAlong()
    {
        var services = new ServiceCollection();
        services.AddConductor();
        var provider = services.BuildServiceProvider();
        var meter = provider.GetRequiredService<ConductorEnvironment>().Instruments.Meter;
        var (published, completed) = (0, 0);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                published++;
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.MeasurementsCompleted = (_, _) => completed++;
        listener.Start();

        await provider.DisposeAsync();

        published.Should().BePositive();
        completed.Should().Be(published);
    }
}
