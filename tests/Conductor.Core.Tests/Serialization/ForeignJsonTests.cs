using System.Text.Json;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>JSON that was handed over as such: from the web, from a model.</summary>
public sealed class ForeignJsonTests
{
    private static readonly RecordCodec _codec = new();

    [Theory]
    [InlineData("""{"firstName":"Ada","age":"36","friend":{"FirstName":"Bob","age":1}}""")]
    [InlineData("""{"first_name":"Ada","first name":1}""")]
    [InlineData("""{"$conductor.json":{"firstName":"Ada"}}""")]
    public void Get_AfterAStoreAsBefore_GivesTheSame(string json)
    {
        var data = TaskData.FromJson(JsonElement.Parse(json));
        var before = data.Get<Person>();

        for (var time = 0; time < 3; time++)
        {
            data = Stored(data);
            data.Get<Person>().Should().Be(before);
            data.Get<JsonElement>().GetRawText().Should().Be(json);
            data.ToString().Should().Be("JSON (Object)");
        }
    }

    [Fact]
    public void Get_ListAfterAStore_GivesTheSame() =>
        Stored(TaskData.FromJson(JsonElement.Parse("""[{"firstName":"Ada"}]"""))).Get<Person[]>().Should().Equal(new Person("Ada", 0, null));

    /// <summary>What was handed over as a value has the names that the library gives.</summary>
    [Fact]
    public void Get_ValueAfterAStore_GivesTheSame()
    {
        var person = new Person("Ada", 36, new Person("Bob", 1, null));

        var stored = Stored(TaskData.From(person));

        stored.Get<Person>().Should().Be(person);
        stored.Get<JsonElement>().GetProperty("first_name").GetString().Should().Be("Ada");
    }

    [Fact]
    public void Encode_JsonThatCannotBeWritten_NamesTheCause()
    {
        var act = () => Stored(TaskData.FromJson(JsonElement.Parse("""{"text":"\ud83d"}""")));

        act.Should().Throw<TaskValidationException>().WithMessage("*surrogate*");
    }

    private static TaskData Stored(TaskData data) => _codec.Decode<TaskResult>(
        _codec.Encode(new TaskResult { TaskId = "t", Status = AgentTaskStatus.Completed, Output = data }), "task_result:t").Output;

    private sealed record Person(string? FirstName, int Age, Person? Friend);
}
