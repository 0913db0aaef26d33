using Conductor.Coordination;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Several coordinators with one error handler, and agents of the same ids, whose breakers they share.</summary>
public sealed class SharedHandlerTests
{
    /// <summary>Each finds out that a breaker may be tried as it takes its agent, and tells the other, which does the same.</summary>
    [Fact]
    public async Task DispatchTaskAsync_BreakersRecoverForBothAtOnce_BothGoOn()
    {
        await using var first = await Rig.StartAsync();
        await using var second = new AgentCoordinator(first.Bus, first.State, first.Policies, first.Errors, environment: first.Environment);
        await second.StartAsync();
        string[] ids = ["a", "b"];
        foreach (var id in ids)
        {
            await first.AddAsync(static _ => TaskData.Empty, id: id);
        }

        foreach (var id in ids.Reverse())
        {
            await second.RegisterAgentAsync(new LambdaAgent(static _ => TaskData.Empty), AgentType.Coding, id);
        }

        for (var round = 0; round < 200; round++)
        {
            foreach (var id in ids)
            {
                for (var failure = 0; failure < 5; failure++)
                {
                    first.Errors.GetCircuitBreaker(id).RecordFailure();
                }
            }

            first.Time.Advance(TimeSpan.FromSeconds(61));
            using var start = new Barrier(2);
            var dispatches = new[] { first.Coordinator, second }.Select(coordinator => Task.Run(async () =>
            {
                start.SignalAndWait();
                return await coordinator.DispatchTaskAsync(Rig.NewTask());
            }));
            (await Task.WhenAll(dispatches).WaitAsync(TimeSpan.FromSeconds(20))).Should().OnlyContain(static result => result.IsSuccess);
            ids.ToList().ForEach(id => first.Errors.GetCircuitBreaker(id).Reset());
        }
    }
}
